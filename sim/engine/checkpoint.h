#pragma once

#include "policy/units.h"

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>

namespace megabed {

/// What a run's state goes through on its way to a checkpoint file and back: values in the order in which both
/// sides name them. Classes list their members once, in `serialize(Archive&, unsigned)`.
/// Source: Boost.Serialization, binary archives.
using CheckpointWriter = boost::archive::binary_oarchive;
using CheckpointReader = boost::archive::binary_iarchive;

template <class Archive, class Unit, class Representation>
void serialize(Archive& archive, Quantity<Unit, Representation>& quantity, unsigned /*version*/) {
    Representation value = quantity.value();
    archive& value;
    quantity = Quantity<Unit, Representation>(value);
}

}  // namespace megabed
