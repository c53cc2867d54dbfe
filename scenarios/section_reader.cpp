#include "scenarios/section_reader.h"

#include "scenarios/ascii_text.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace megabed {
namespace {

struct Unit {
    std::string_view name;
    double factor = 1;
};

constexpr std::array kTimeUnits{Unit{"ns", 1}, Unit{"us", 1e3}, Unit{"ms", 1e6}, Unit{"s", 1e9}};
constexpr std::array kByteUnits{Unit{"B", 1}, Unit{"KiB", 1024.0}, Unit{"MiB", 1024.0 * 1024},
                                Unit{"GiB", 1024.0 * 1024 * 1024}, Unit{"TiB", 1024.0 * 1024 * 1024 * 1024}};

/// NUMBER UNIT, with or without a blank between; the result must be a whole number of base units.
std::optional<std::int64_t> parse_with_unit(std::string_view text, std::span<const Unit> units) {
    double number = 0;
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code != std::errc()) {
        return std::nullopt;
    }
    std::string_view name(stop, static_cast<std::size_t>(text.data() + text.size() - stop));
    while (name.starts_with(' ')) {
        name.remove_prefix(1);
    }
    const auto unit =
        std::find_if(units.begin(), units.end(), [&](const Unit& known) { return known.name == name; });
    if (unit == units.end()) {
        return std::nullopt;
    }
    const double scaled = number * unit->factor;
    constexpr double kLargest = 9e18;
    if (!(scaled >= 0 && scaled <= kLargest) || scaled != std::floor(scaled)) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(scaled);
}

std::optional<std::int64_t> integer_of(const toml::node& node) {
    const auto* const integer = node.as_integer();
    return integer != nullptr ? std::optional(integer->get()) : std::nullopt;
}

std::optional<std::int64_t> text_of(const toml::node& node,
                                    std::optional<std::int64_t> (*parse)(std::string_view)) {
    const auto* const text = node.as_string();
    return text != nullptr ? parse(text->get()) : std::nullopt;
}

std::vector<std::string> spellings(const KeySpec& spec) {
    const std::string key(spec.key);
    if (spec.type == KeyType::Size) {
        return {key, key + "_bytes"};
    }
    if (spec.type == KeyType::Time) {
        return {key, key + "_ns", key + "_us"};
    }
    return {key};
}

}  // namespace

std::optional<std::int64_t> parse_time_ns(std::string_view text) { return parse_with_unit(text, kTimeUnits); }
std::optional<std::int64_t> parse_bytes(std::string_view text) { return parse_with_unit(text, kByteUnits); }

Loaded<toml::table> parse_toml(std::string_view text, const std::string& source) {
    const auto ascii = ascii_document(text);
    if (!ascii) {
        return Refusal(InputError{.where = source,
                                  .line = ascii.error(),
                                  .key = {},
                                  .problem = "a byte above 0x7F outside a comment",
                                  .allowed = "ASCII"});
    }
    toml::parse_result result = toml::parse(*ascii, source);
    if (!result) {
        return Refusal(InputError{.where = source,
                                  .line = result.error().source().begin.line,
                                  .key = {},
                                  .problem = std::string(result.error().description()),
                                  .allowed = "TOML 1.0"});
    }
    return std::move(result).table();
}

std::string as_written(const toml::node& node) {
    if (const auto* text = node.as_string()) {
        return printable(text->get());
    }
    if (const auto* integer = node.as_integer()) {
        return fmt::format("{}", integer->get());
    }
    if (const auto* real = node.as_floating_point()) {
        const std::string text = fmt::format("{}", real->get());
        return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
    }
    if (const auto* flag = node.as_boolean()) {
        return flag->get() ? "true" : "false";
    }
    return node.is_table() ? "a table" : node.is_array() ? "an array" : "a date or time";
}

SectionReader::SectionReader(std::span<const KeySpec> keys, std::string_view section, std::vector<Layer> layers,
                             FirstError& errors)
    : keys_(keys), section_(section), layers_(std::move(layers)), errors_(errors) {
    std::erase_if(layers_, [](const Layer& layer) { return layer.table == nullptr; });
}

std::string SectionReader::dotted(std::string_view key) const {
    return section_.empty() ? std::string(key) : fmt::format("{}.{}", section_, key);
}

void SectionReader::report(const Found& found, std::string problem, std::string allowed) {
    InputError error{.where = std::string(found.layer->source),
                     .line = {},
                     .key = dotted(found.spelling),
                     .problem = std::move(problem),
                     .allowed = std::move(allowed)};
    if (found.layer->has_lines) {
        error.line = found.node->source().begin.line;
    }
    errors_.report(std::move(error));
}

const KeySpec& SectionReader::spec_of(std::string_view key) const {
    const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const KeySpec& spec) {
        return spec.section == section_ && spec.key == key;
    });
    assert(found != keys_.end());
    return *found;
}

/// The first layer wins; two spellings of one key in the same layer are a mistake.
std::optional<SectionReader::Found> SectionReader::find(const KeySpec& spec) {
    for (const Layer& layer : layers_) {
        std::optional<Found> found;
        for (std::string& name : spellings(spec)) {
            const toml::node* const node = layer.table->get(name);
            if (node == nullptr) {
                continue;
            }
            Found here{node, &layer, std::move(name)};
            if (found) {
                report(here, fmt::format("is given as {} too", found->spelling), "one of the two");
                return std::nullopt;
            }
            found = std::move(here);
        }
        if (found) {
            return found;
        }
    }
    if (spec.fallback == "required" && !layers_.empty()) {
        const Layer& layer = layers_.back();
        InputError error{.where = std::string(layer.source),
                         .line = {},
                         .key = dotted(spec.key),
                         .problem = "is missing",
                         .allowed = allowed_values(spec, spec.key)};
        if (layer.has_lines && layer.table->source().begin.line > 0) {
            error.line = layer.table->source().begin.line;
        }
        errors_.report(std::move(error));
    }
    return std::nullopt;
}

std::optional<std::string> SectionReader::text(std::string_view key) {
    const KeySpec& spec = spec_of(key);
    const auto found = find(spec);
    if (!found) {
        return std::nullopt;
    }
    const auto* const text = found->node->as_string();
    if (text == nullptr || text->get().empty()) {
        report(*found, fmt::format("is {}", as_written(*found->node)), allowed_values(spec, found->spelling));
        return std::nullopt;
    }
    if (spec.type == KeyType::Choice) {
        const std::string choices = fmt::format(", {}, ", spec.allowed);
        if (choices.find(fmt::format(", {}, ", text->get())) == std::string::npos) {
            report(*found, fmt::format("is {}", as_written(*found->node)),
                   allowed_values(spec, found->spelling));
            return std::nullopt;
        }
    }
    return text->get();
}

std::optional<bool> SectionReader::flag(std::string_view key) {
    const KeySpec& spec = spec_of(key);
    const auto found = find(spec);
    if (!found) {
        return std::nullopt;
    }
    const auto* const flag = found->node->as_boolean();
    if (flag == nullptr) {
        report(*found, fmt::format("is {}", as_written(*found->node)), allowed_values(spec, found->spelling));
        return std::nullopt;
    }
    return flag->get();
}

/// The value that `convert` makes of what was found, if it makes one and the key allows it.
template <class Convert>
std::optional<std::int64_t> SectionReader::number(const KeySpec& spec, Convert convert, std::string_view why) {
    const auto found = find(spec);
    if (!found) {
        return std::nullopt;
    }
    const std::optional<std::int64_t> value = convert(*found);
    if (!value || *value < spec.least || *value > spec.most) {
        report(*found, fmt::format("is {}{}", as_written(*found->node), why),
               allowed_values(spec, found->spelling));
        return std::nullopt;
    }
    return value;
}

std::optional<std::int64_t> SectionReader::integer(std::string_view key) {
    return number(spec_of(key), [](const Found& found) { return integer_of(*found.node); });
}

std::optional<std::uint32_t> SectionReader::u32(std::string_view key) {
    const auto value = integer(key);
    return value ? std::optional(static_cast<std::uint32_t>(*value)) : std::nullopt;
}

std::optional<BasisPoints> SectionReader::bps(std::string_view key) {
    const auto value = integer(key);
    return value ? std::optional(BasisPoints(static_cast<std::uint16_t>(*value))) : std::nullopt;
}

std::optional<BasisPoints> SectionReader::bps(std::string_view key, std::int64_t least, std::int64_t most,
                                              std::string_view why) {
    KeySpec narrowed = spec_of(key);
    assert(least >= narrowed.least && most <= narrowed.most);
    narrowed.least = least;
    narrowed.most = most;
    const auto value = number(
        narrowed, [](const Found& found) { return integer_of(*found.node); }, why);
    return value ? std::optional(BasisPoints(static_cast<std::uint16_t>(*value))) : std::nullopt;
}

std::optional<Bytes> SectionReader::bytes(std::string_view key) {
    const auto value = number(spec_of(key), [key](const Found& found) {
        return found.spelling == key ? text_of(*found.node, parse_bytes) : integer_of(*found.node);
    });
    return value ? std::optional(Bytes(static_cast<std::uint64_t>(*value))) : std::nullopt;
}

std::optional<SimTime> SectionReader::time(std::string_view key) {
    const auto value = number(spec_of(key), [key](const Found& found) -> std::optional<std::int64_t> {
        if (found.spelling == key) {
            return text_of(*found.node, parse_time_ns);
        }
        constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max() / 1000;
        const auto integer = integer_of(*found.node);
        if (!integer || !found.spelling.ends_with("_us")) {
            return integer;
        }
        return *integer >= 0 && *integer <= kLargest ? std::optional(*integer * 1000) : std::nullopt;
    });
    return value ? std::optional(SimTime(*value)) : std::nullopt;
}

std::optional<double> SectionReader::rate(std::string_view key) {
    const KeySpec& spec = spec_of(key);
    const auto found = find(spec);
    if (!found) {
        return std::nullopt;
    }
    const std::optional<double> value = found->node->value<double>();
    constexpr double kLargest = 1e18;
    if (found->node->is_string() || !value || !(*value > 0) || *value > kLargest) {
        report(*found, fmt::format("is {}", as_written(*found->node)), allowed_values(spec, found->spelling));
        return std::nullopt;
    }
    return value;
}

void SectionReader::refuse_unknown(const std::vector<std::string_view>& subsections) {
    std::vector<std::string> names;
    for (const KeySpec& spec : keys_) {
        if (spec.section == section_) {
            for (std::string& name : spellings(spec)) {
                names.push_back(std::move(name));
            }
        }
    }
    std::vector<std::string_view> known(names.begin(), names.end());
    known.insert(known.end(), subsections.begin(), subsections.end());
    for (const Layer& layer : layers_) {
        for (const auto& [name, node] : *layer.table) {
            const std::string_view key = name.str();
            if (std::find(known.begin(), known.end(), key) == known.end()) {
                const auto guess = nearest(key, known);
                const Found found{&node, &layer, std::string(key)};
                report(found,
                       guess ? fmt::format("is no key here; did you mean {}?", *guess) : "is no key here",
                       listed(known));
            }
        }
    }
}

void SectionReader::refuse(std::string_view key, std::string problem, std::string allowed) {
    if (const auto found = find(spec_of(key))) {
        report(*found, std::move(problem), std::move(allowed));
    } else if (!layers_.empty()) {
        errors_.report({.where = std::string(layers_.back().source),
                        .line = {},
                        .key = dotted(key),
                        .problem = std::move(problem),
                        .allowed = std::move(allowed)});
    }
}

}  // namespace megabed
