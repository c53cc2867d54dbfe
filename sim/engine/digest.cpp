#include "sim/engine/digest.h"

#include <fmt/format.h>
#include <bit>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace megabed {

struct Digest::State {
    XXH3_state_t hash{};
};

Digest::Digest() : state_(std::make_unique<State>()) { XXH3_64bits_reset(&state_->hash); }
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;
Digest::~Digest() = default;

void Digest::add(std::uint64_t word) {
    static_assert(std::endian::native == std::endian::little, "byte order of the digest");
    XXH3_64bits_update(&state_->hash, &word, sizeof word);
}

void Digest::add_words(std::span<const std::uint64_t> words) {
    XXH3_64bits_update(&state_->hash, words.data(), words.size_bytes());
}

void Digest::add(std::string_view text) {
    add(std::uint64_t{text.size()});
    XXH3_64bits_update(&state_->hash, text.data(), text.size());
}

void Digest::add_bytes(std::span<const std::byte> bytes) {
    XXH3_64bits_update(&state_->hash, bytes.data(), bytes.size());
}

std::uint64_t Digest::value() const { return XXH3_64bits_digest(&state_->hash); }

void Digest::save(CheckpointWriter& writer) const {
    writer << boost::serialization::make_binary_object(&state_->hash, sizeof state_->hash);
}

void Digest::load(CheckpointReader& reader) {
    const unsigned char* const secret = state_->hash.extSecret;
    reader >> boost::serialization::make_binary_object(&state_->hash, sizeof state_->hash);
    state_->hash.extSecret = secret;  // the one pointer of the state, to a constant of this process
}

std::uint64_t digest_of(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string hex(std::uint64_t digest) { return fmt::format("{:016x}", digest); }

}  // namespace megabed
