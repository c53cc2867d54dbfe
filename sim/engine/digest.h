#pragma once

#include "sim/engine/checkpoint.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace megabed {

/// A 64-bit digest of a stream of values, equal on every machine for equal values: numbers go in as
/// little-endian 64-bit words, texts with their length in front.
/// Source: XXH3 of the xxHash library, seed 0.
class Digest {
public:
    Digest();
    Digest(Digest&&) noexcept;
    Digest& operator=(Digest&&) noexcept;
    ~Digest();

    void add(std::uint64_t word);
    void add_words(std::span<const std::uint64_t> words);
    void add(std::string_view text);
    void add_bytes(std::span<const std::byte> bytes);

    [[nodiscard]] std::uint64_t value() const;

    void save(CheckpointWriter& writer) const;
    void load(CheckpointReader& reader);

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// XXH3 of a byte range in one go.
[[nodiscard]] std::uint64_t digest_of(std::span<const std::byte> bytes);

/// 16 lower-case hexadecimal digits.
[[nodiscard]] std::string hex(std::uint64_t digest);

}  // namespace megabed
