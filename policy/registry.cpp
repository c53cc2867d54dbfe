#include "policy/registry.h"

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
