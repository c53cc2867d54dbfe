#include "sim/plugins/policy_source.h"

#include "policy/registry.h"
#include "sim/hindsight.h"
#include "sim/plugins/plugin_policy.h"

#include <fmt/format.h>
#include <utility>
#include <vector>

namespace megabed {

Loaded<PolicySource> find_policy_source(const std::string& name) {
    if (is_plugin_path(name)) {
        auto make = load_plugin(name);
        if (!make) {
            return Refusal(make.error());
        }
        return PolicySource{name, *std::move(make), {}, true};
    }
    if (const PolicyRow* const row = find_policy(name)) {
        return PolicySource{name, row->make, row->parts, false};
    }
    std::vector<std::string_view> names;
    for (const PolicyRow& row : registered_policies()) {
        names.push_back(row.name);
    }
    if (name == kHindsightPolicy) {
        return Refusal(
            InputError{.where = "--policy",
                       .line = {},
                       .key = {},
                       .problem = "hindsight is made for one scenario; only `megabed run` can ask it",
                       .allowed = listed(names)});
    }
    const auto guess = nearest(name, names);
    return Refusal(
        InputError{.where = "--policy",
                   .line = {},
                   .key = {},
                   .problem = guess ? fmt::format("{} is no policy; did you mean {}?", printable(name), *guess)
                                    : fmt::format("{} is no policy", printable(name)),
                   .allowed = listed(names) + ", or the path of a plug-in such as ./libmine.so"});
}

}  // namespace megabed
