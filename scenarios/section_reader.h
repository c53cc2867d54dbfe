#pragma once

#include "policy/units.h"
#include "scenarios/keys.h"
#include "scenarios/toml.h"
#include "sim/input_error.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace megabed {

/// One place a section may stand in: a file's table, or what `--set` gave.
struct Layer {
    const toml::table* table = nullptr;
    std::string_view source;  ///< file name or `--set`
    bool has_lines = true;    ///< whether lines of the source mean anything to a person
};

/// The first thing wrong with a file; later ones are dropped, so that one clear message remains.
class FirstError {
public:
    void report(InputError error) {
        if (!error_) {
            error_ = std::move(error);
        }
    }
    [[nodiscard]] const std::optional<InputError>& get() const { return error_; }

private:
    std::optional<InputError> error_;
};

/// Reads the keys of one section from the first layer that has each, checked against the key table.
/// A value that is wrong is reported and read as absent.
class SectionReader {
public:
    /// Requires: `keys` has every key that is asked for.
    SectionReader(std::span<const KeySpec> keys, std::string_view section, std::vector<Layer> layers,
                  FirstError& errors);

    [[nodiscard]] std::optional<std::string> text(std::string_view key);
    [[nodiscard]] std::optional<bool> flag(std::string_view key);
    /// Count or Bps.
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key);
    [[nodiscard]] std::optional<std::uint32_t> u32(std::string_view key);
    [[nodiscard]] std::optional<BasisPoints> bps(std::string_view key);
    /// As above, where another key's value allows no more than `least` to `most`; `why` says so after the
    /// value.
    [[nodiscard]] std::optional<BasisPoints> bps(std::string_view key, std::int64_t least, std::int64_t most,
                                                 std::string_view why);
    [[nodiscard]] std::optional<Bytes> bytes(std::string_view key);
    [[nodiscard]] std::optional<SimTime> time(std::string_view key);
    [[nodiscard]] std::optional<double> rate(std::string_view key);

    /// Reports every key of every layer that the table does not know, except tables in `subsections`.
    void refuse_unknown(const std::vector<std::string_view>& subsections = {});
    /// Reports a problem with the value that was read for a key.
    void refuse(std::string_view key, std::string problem, std::string allowed);
    [[nodiscard]] bool has_layers() const { return !layers_.empty(); }

private:
    struct Found {
        const toml::node* node = nullptr;
        const Layer* layer = nullptr;
        std::string spelling;
    };
    [[nodiscard]] const KeySpec& spec_of(std::string_view key) const;
    [[nodiscard]] std::optional<Found> find(const KeySpec& spec);
    template <class Convert>
    [[nodiscard]] std::optional<std::int64_t> number(const KeySpec& spec, Convert convert,
                                                     std::string_view why = {});
    [[nodiscard]] std::string dotted(std::string_view key) const;
    void report(const Found& found, std::string problem, std::string allowed);

    std::span<const KeySpec> keys_;
    std::string section_;
    std::vector<Layer> layers_;
    FirstError& errors_;
};

/// `toml::parse` with its error as ours.
[[nodiscard]] Loaded<toml::table> parse_toml(std::string_view text, const std::string& source);

/// A node's value as it would be written, for messages.
[[nodiscard]] std::string as_written(const toml::node& node);

/// `3 us` -> 3000; nothing if the number or the unit is not understood or the result leaves 63 bits.
[[nodiscard]] std::optional<std::int64_t> parse_time_ns(std::string_view text);
/// `2 GiB` -> 2147483648.
[[nodiscard]] std::optional<std::int64_t> parse_bytes(std::string_view text);

}  // namespace megabed
