#include "policy/registry.h"

#include "policy/reference_family.h"

#include <array>

namespace megabed {
namespace {

constexpr std::array kRows{
    PolicyRow{"reference", "the original runtime's policy, bit for bit, defects included",
              make_reference_policy},
    PolicyRow{"stateless", "the reference without memory: no hysteresis", make_stateless_policy},
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

std::unique_ptr<Policy> make_policy(std::string_view name, const LaunchPolicyParameters& parameters) {
    for (const PolicyRow& row : kRows) {
        if (row.name == name) {
            return row.make(parameters);
        }
    }
    return nullptr;
}

}  // namespace megabed
