#include "scenarios/request_toml.h"

#include "scenarios/request_fields.h"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>
#include <optional>

namespace megabed {
namespace {

constexpr std::string_view kAbsent = "absent";
constexpr std::string_view kList = "list";

std::string allowed_for(const RequestField& field) {
    return fmt::format("0 to {}{}", field.most, field.optional ? R"(, or "absent")" : "");
}

/// Reads the known keys of one table into a request and reports the rest.
void read_fields(const toml::table& table, std::string_view source, std::string_view section, bool has_list,
                 LaunchRequest& request, FirstError& errors) {
    for (const auto& [name, node] : table) {
        const std::string_view key = name.str();
        const auto report = [&, &value = node](std::string problem, std::string allowed) {
            errors.report({.where = std::string(source),
                           .line = value.source().begin.line,
                           .key = fmt::format("{}.{}", section, key),
                           .problem = std::move(problem),
                           .allowed = std::move(allowed)});
        };
        if (has_list && key == kList) {
            continue;
        }
        const auto fields = request_fields();
        const auto field = std::find_if(fields.begin(), fields.end(),
                                        [&](const RequestField& candidate) { return candidate.name == key; });
        if (field == fields.end()) {
            std::vector<std::string_view> names;
            for (const RequestField& known : fields) {
                names.push_back(known.name);
            }
            const auto guess = nearest(key, names);
            report(guess ? fmt::format("is no key here; did you mean {}?", *guess) : "is no key here",
                   listed(names));
            continue;
        }
        std::optional<std::uint64_t> number;
        bool understood = false;
        if (const auto* text = node.as_string()) {
            const std::string& digits = text->get();
            std::uint64_t value = 0;
            const auto [stop, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
            if (!digits.empty() && code == std::errc() && stop == digits.data() + digits.size()) {
                number = value;
            }
            understood = number.has_value() || (field->optional && digits == kAbsent);
        } else if (const auto* integer = node.as_integer(); integer != nullptr && integer->get() >= 0) {
            number = static_cast<std::uint64_t>(integer->get());
            understood = true;
        }
        if (!understood || number.value_or(0) > field->most) {
            report(fmt::format("is {}", as_written(node)), allowed_for(*field));
            continue;
        }
        field->set(request, number);
    }
}

std::string value_as_toml(std::optional<std::uint64_t> value) {
    if (!value) {
        return fmt::format("\"{}\"", kAbsent);
    }
    constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return *value <= kLargest ? fmt::format("{}", *value) : fmt::format("\"{}\"", *value);
}

}  // namespace

std::vector<LaunchRequest> read_requests(const toml::table& table, std::string_view source,
                                         std::string_view section, FirstError& errors) {
    LaunchRequest common = base_request();
    read_fields(table, source, section, true, common, errors);
    std::vector<LaunchRequest> requests;
    const toml::node* const list = table.get(kList);
    const toml::array* const entries = list == nullptr ? nullptr : list->as_array();
    const bool tables =
        entries != nullptr && !entries->empty() &&
        std::all_of(entries->begin(), entries->end(), [](const auto& entry) { return entry.is_table(); });
    if (!tables) {
        errors.report({.where = std::string(source),
                       .line = (list == nullptr ? table.source() : list->source()).begin.line,
                       .key = fmt::format("{}.{}", section, kList),
                       .problem = list == nullptr ? "is missing" : fmt::format("is {}", as_written(*list)),
                       .allowed = "an array of one or more tables, such as [{queue_len = 4096}, {}]"});
        return requests;
    }
    for (const toml::node& entry : *entries) {
        LaunchRequest request = common;
        read_fields(*entry.as_table(), source, fmt::format("{}.{}", section, kList), false, request, errors);
        requests.push_back(request);
    }
    return requests;
}

std::string requests_as_toml(std::span<const LaunchRequest> requests) {
    const LaunchRequest base = base_request();
    std::string common;
    std::vector<std::string> own(requests.size());
    for (const RequestField& field : request_fields()) {
        const auto first = requests.empty() ? field.get(base) : field.get(requests.front());
        const bool same = std::all_of(requests.begin(), requests.end(), [&](const LaunchRequest& request) {
            return field.get(request) == first;
        });
        if (same && first != field.get(base)) {
            fmt::format_to(std::back_inserter(common), "{} = {}\n", field.name, value_as_toml(first));
        }
        for (std::size_t at = 0; !same && at < requests.size(); ++at) {
            const auto value = field.get(requests[at]);
            if (value != field.get(base)) {
                fmt::format_to(std::back_inserter(own[at]), "{}{} = {}", own[at].empty() ? "" : ", ",
                               field.name, value_as_toml(value));
            }
        }
    }
    common += "list = [\n";
    for (const std::string& fields : own) {
        fmt::format_to(std::back_inserter(common), "    {{{}}},\n", fields);
    }
    return common + "]\n";
}

}  // namespace megabed
