#pragma once

#include "policy/units.h"

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/binary_object.hpp>
#include <boost/serialization/vector.hpp>
#include <cstdint>
#include <type_traits>

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

/// One plain struct, as its bytes. A checkpoint is read by the program that wrote it.
template <class Archive, class Plain>
void archive_plain(Archive& archive, Plain& plain) {
    static_assert(std::is_trivially_copyable_v<Plain>);
    auto bytes = boost::serialization::make_binary_object(static_cast<void*>(&plain), sizeof plain);
    archive& bytes;
}

/// A vector or deque of plain structs.
template <class Archive, class Container>
void archive_plain_items(Archive& archive, Container& items) {
    std::uint64_t size = items.size();
    archive& size;
    items.resize(size);
    for (auto& item : items) {
        archive_plain(archive, item);
    }
}

}  // namespace megabed
