#include "policy/hardened_policy.h"
#include "policy/reference_policy.h"
#include "properties/case_aims.h"
#include "properties/rapidcheck_property.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <algorithm>

// Where no law speaks the hardened policy decides like the reference. This is that sentence, precisely: from a
// blank state, with parameters that law O6 accepts, and with readings that are taken and not 0.
namespace megabed {
namespace {

TEST(HardenedLaws, Decides_like_the_reference_where_no_law_speaks) {
    const PropertyVerdict verdict = check_property(
        "like the reference", 20'000,
        {"sparse", "hybrid", "dense", "fused", "memory", "legal lanes", "jit", "interpreter",
         "capacity with room"},
        [] {
            RapidChoices choices;
            const LaunchPolicyParameters parameters = aim::valid_parameters(choices);
            LaunchRequest request = aim::plausible_request(choices, parameters);
            request.queue_len = std::max(request.queue_len, 1U);
            request.frontier_density = aim::density(choices, parameters);
            request.memory_pressure = aim::pressure(choices, parameters);
            // Edges that were not read are 0 to the reference, which a threshold of 0 takes for large.
            request.graph_edge_count = request.graph_edge_count.value_or(0);
            RC_PRE(request.frontier_density->value() > 0 && request.memory_pressure->value() > 0);

            const auto reference = reference::recommend(parameters, request);
            const auto hardened = hardened::recommend(parameters, request, {});
            RC_PRE(reference.has_value() && hardened.has_value());
            const LaunchRecommendation& expected = reference->recommendation;
            const LaunchRecommendation& answer = hardened->recommendation;

            RC_TAG(std::string(to_string(expected.topology)));
            RC_TAG(std::string(to_string(expected.execution_mode)));
            RC_ASSERT((answer.topology == expected.topology));
            RC_ASSERT((hardened->rule == reference->choice.rule && hardened->hold == reference->choice.hold));
            RC_ASSERT((answer.execution_mode == expected.execution_mode));
            RC_ASSERT(answer.promote_hot_opcodes == expected.promote_hot_opcodes);
            RC_ASSERT(answer.promote_hot_windows == expected.promote_hot_windows);
            RC_ASSERT(answer.age_priority_work == expected.age_priority_work);
            RC_ASSERT(answer.hit_capacity == expected.hit_capacity);
            RC_ASSERT((answer.estimated_peak_device_bytes == expected.estimated_peak_device_bytes));
            RC_ASSERT((answer.device_memory_budget.value_or(Bytes(0)) ==
                       expected.device_memory_budget.value_or(Bytes(0))));
            RC_CLASSIFY(request.device_memory_budget.has_value(), "capacity with room");

            const bool sparse = expected.topology == DispatchTopology::SparseFrontier;
            const bool memory = expected.topology == DispatchTopology::MemoryConstrained;
            if (memory) {
                // The original's line and our three steps part by at most a twelfth of the unshed groups; it
                // never sheds a count that nobody asked for, nor below a limit that it clamps to afterwards.
                const bool frontier_sparse =
                    request.frontier_density->value() <= parameters.sparse_frontier_threshold.value();
                const std::uint32_t asked = request.requested_worker_groups.value_or(0);
                if (asked > 1 && asked <= request.max_compute_workgroups_per_dimension && !frontier_sparse) {
                    const int apart =
                        static_cast<int>(answer.worker_groups) - static_cast<int>(expected.worker_groups);
                    RC_ASSERT(std::abs(apart) * 1000 <= static_cast<int>(asked) * 84 + 1000);
                }
            } else if (!sparse) {
                RC_ASSERT(answer.worker_groups == expected.worker_groups);
                const std::uint32_t limit =
                    std::min(request.max_workgroup_size_x, request.max_compute_invocations_per_workgroup);
                const std::uint32_t lanes = expected.geometry.workgroup_size_x;
                // Lanes that law O4 allows, and as many as there are groups: then the whole geometry is the
                // same.
                if (lanes <= limit && (limit < 32 ? lanes == limit : lanes % 32 == 0)) {
                    RC_TAG(std::string("legal lanes"));
                    RC_ASSERT((answer.geometry == expected.geometry));
                }
            }
        });
    EXPECT_TRUE(verdict.holds) << verdict.report;
    std::cerr << verdict.report << '\n';
}

TEST(HardenedLaws, Any_bits_at_all_are_a_state_it_can_go_on_from) {
    const PropertyVerdict verdict = check_property("any state", 20'000, {"answered"}, [] {
        RapidChoices choices;
        const LaunchPolicyParameters parameters = aim::valid_parameters(choices);
        const LaunchRequest request = aim::any_request(choices, parameters);
        PolicyState state;
        state.words[0] = choices.next();
        const auto decision = hardened::recommend(parameters, request, state);
        RC_CLASSIFY(decision.has_value(), "answered");
        if (decision) {
            // What it carries on is in its own normal form.
            RC_ASSERT(
                (request.queue_len == 0 || hardened::pack(hardened::unpack(decision->next)) == decision->next));
        }
    });
    EXPECT_TRUE(verdict.holds) << verdict.report;
}

}  // namespace
}  // namespace megabed
