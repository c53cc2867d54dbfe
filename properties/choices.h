#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <span>

namespace megabed {

/// Where a generator's choices come from: a seeded stream in `verify`, RapidCheck in the test suite.
class Choices {
public:
    Choices() = default;
    Choices(const Choices&) = delete;
    Choices& operator=(const Choices&) = delete;
    virtual ~Choices() = default;

    /// 64 bits that may be anything.
    [[nodiscard]] virtual std::uint64_t next() = 0;

    /// 0 to bound - 1. Requires: bound > 0.
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) {
        __extension__ using Wide = unsigned __int128;
        return static_cast<std::uint64_t>(static_cast<Wide>(next()) * bound >> 64);
    }
    /// least to most, both included.
    [[nodiscard]] std::uint64_t between(std::uint64_t least, std::uint64_t most) {
        return least + below(most - least + 1);
    }
    /// True once in `n` times.
    [[nodiscard]] bool one_in(std::uint64_t n) { return below(n) == 0; }

    template <class Value>
    [[nodiscard]] Value pick(std::span<const Value> values) {
        return values[static_cast<std::size_t>(below(values.size()))];
    }
    template <class Value>
    [[nodiscard]] Value pick(std::initializer_list<Value> values) {
        return pick(std::span<const Value>(values.begin(), values.size()));
    }

    /// Any magnitude up to `bits` bits: the number of bits is drawn first.
    [[nodiscard]] std::uint64_t of_any_magnitude(unsigned bits) {
        const std::uint64_t length = below(bits + 1);
        return length == 0 ? 0 : next() >> (64 - length);
    }
};

/// A reproducible stream. std::mt19937_64 gives the same numbers with every library.
class SeededChoices final : public Choices {
public:
    explicit SeededChoices(std::uint64_t seed) : engine_(seed) {}
    [[nodiscard]] std::uint64_t next() override { return engine_(); }

private:
    std::mt19937_64 engine_;
};

}  // namespace megabed
