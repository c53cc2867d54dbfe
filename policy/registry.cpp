#include "policy/registry.h"

#include "policy/field_family.h"
#include "policy/hardened_family.h"
#include "policy/reference_family.h"

#include <algorithm>
#include <array>

namespace megabed {
namespace {

const std::array kRows{
    PolicyRow{"reference", "the original runtime's policy, bit for bit, defects included",
              make_reference_policy, reference_parts()},
    PolicyRow{"stateless", "the reference without memory: no hysteresis", make_stateless_policy},
    PolicyRow{"hardened", "obeys every law; like the reference where no law speaks", make_hardened_policy,
              hardened_parts()},
    PolicyRow{"fixed:sparse", "push from a frontier queue, always",
              make_fixed_policy<DispatchTopology::SparseFrontier>},
    PolicyRow{"fixed:hybrid", "push with heavy vertices split into edge tiles, always",
              make_fixed_policy<DispatchTopology::HybridFrontier>},
    PolicyRow{"fixed:dense", "pull over a bitmap, always", make_fixed_policy<DispatchTopology::DenseFrontier>},
    PolicyRow{"fixed:fused", "several dense waves a launch, always",
              make_fixed_policy<DispatchTopology::FusedDense>},
    PolicyRow{"fixed:memory", "push in batches that fit the hit capacity, always",
              make_fixed_policy<DispatchTopology::MemoryConstrained>},
    PolicyRow{"gap", "the GAP benchmark's rule: pull by the frontier's share of the unchecked arcs",
              make_gap_policy},
    PolicyRow{"cugraph",
              "cuGraph's rule: the same test weighed by the mean degree, unless the frontier shrinks",
              make_cugraph_policy},
    PolicyRow{"gunrock", "Gunrock 1.x's rule: pull once, by forward and backward visits", make_gunrock_policy},
    PolicyRow{"gswitch", "GSWITCH's rule: a trained tree, bitmap or queue, fused when little is left",
              make_gswitch_policy},
    PolicyRow{"vyre-driver", "the density bands of vyre's driver, with hysteresis", make_vyre_driver_policy},
    PolicyRow{"bandit", "learns the cheapest topology of each density, charged for switching",
              make_bandit_policy},
    PolicyRow{"arcs", "the hardened policy, but with direction and groups by a traversal's arcs",
              make_arc_policy},
};

}  // namespace

std::span<const PolicyRow> registered_policies() { return kRows; }

const PolicyRow* find_policy(std::string_view name) {
    const auto* const found =
        std::find_if(kRows.begin(), kRows.end(), [&](const PolicyRow& row) { return row.name == name; });
    return found == kRows.end() ? nullptr : found;
}

std::unique_ptr<Policy> make_policy(std::string_view name, const LaunchPolicyParameters& parameters) {
    const PolicyRow* const row = find_policy(name);
    return row == nullptr ? nullptr : row->make(parameters);
}

}  // namespace megabed
