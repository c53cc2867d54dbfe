#pragma once

#include <cstdint>

namespace megabed {

/// The output function of SplitMix64: a bijection that scatters every bit.
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
[[nodiscard]] constexpr std::uint64_t scatter(std::uint64_t value) {
    value = (value ^ value >> 30) * 0xBF58'476D'1CE4'E5B9;
    value = (value ^ value >> 27) * 0x94D0'49BB'1331'11EB;
    return value ^ value >> 31;
}

/// A stream of random words that is a pure function of (seed, stream, position).
class CounterRandom {
public:
    constexpr CounterRandom(std::uint64_t seed, std::uint64_t stream)
        : state_(scatter(scatter(seed + kStep) + stream * kStep)) {}

    constexpr std::uint64_t next() { return scatter(state_ += kStep); }

private:
    static constexpr std::uint64_t kStep = 0x9E37'79B9'7F4A'7C15;
    std::uint64_t state_;
};

}  // namespace megabed
