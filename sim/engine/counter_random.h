#pragma once

#include <cstdint>
#include <limits>

namespace megabed {

/// The output function of SplitMix64: a bijection that scatters every bit.
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
[[nodiscard]] constexpr std::uint64_t scatter(std::uint64_t value) {
    value = (value ^ value >> 30) * 0xBF58'476D'1CE4'E5B9;
    value = (value ^ value >> 27) * 0x94D0'49BB'1331'11EB;
    return value ^ value >> 31;
}

/// A stream of random words that is a pure function of (seed, stream, position). Eight bytes, so that a million
/// processes can each have their own; an engine for Boost's distributions.
class CounterRandom {
public:
    using result_type = std::uint64_t;

    constexpr CounterRandom() = default;
    constexpr CounterRandom(std::uint64_t seed, std::uint64_t stream)
        : state_(scatter(scatter(seed + kStep) + stream * kStep)) {}

    constexpr std::uint64_t next() { return scatter(state_ += kStep); }
    constexpr result_type operator()() { return next(); }
    [[nodiscard]] static constexpr result_type min() { return 0; }
    [[nodiscard]] static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }

    /// For checkpoints.
    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& state_;
    }

private:
    static constexpr std::uint64_t kStep = 0x9E37'79B9'7F4A'7C15;
    std::uint64_t state_ = 0;
};

}  // namespace megabed
