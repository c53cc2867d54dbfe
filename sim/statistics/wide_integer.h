#pragma once

#include <cstdint>

namespace megabed {

/// An integer that holds the sum of 2^64 products of a value and a time, so that totals stay exact.
__extension__ using WideInteger = __int128;

/// For checkpoints: the number goes as two words, which every archive knows.
template <class Archive>
void serialize_wide(Archive& archive, WideInteger& value) {
    __extension__ using Unsigned = unsigned __int128;
    constexpr unsigned kWordBits = 64;
    auto low = static_cast<std::uint64_t>(value);
    auto high = static_cast<std::uint64_t>(static_cast<Unsigned>(value) >> kWordBits);
    archive& high& low;
    value = static_cast<WideInteger>(static_cast<Unsigned>(high) << kWordBits | low);
}

}  // namespace megabed
