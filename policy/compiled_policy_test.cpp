#include "policy/compiled_policy.h"

#include "policy/registry.h"
#include "policy/testing/traversal_traces.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <random>
#include <string>

namespace megabed {
namespace {

/// Readings of all magnitudes, absent ones and memory limits among them.
LaunchRequest any_request(std::mt19937_64& random, LaunchRequest request) {
    const auto below = [&](std::uint64_t limit) { return random() % limit; };
    request.requested_worker_groups = static_cast<std::uint32_t>(below(600));
    request.max_compute_workgroups_per_dimension = static_cast<std::uint32_t>(below(1 << 16));
    request.max_compute_invocations_per_workgroup = 1024;
    request.expected_hits_per_item = static_cast<std::uint32_t>(below(40));
    request.hot_opcode_count = static_cast<std::uint32_t>(below(12));
    request.hot_window_count = static_cast<std::uint32_t>(below(6));
    request.requeue_count = below(2);
    if (below(4) != 0) {
        request.device_memory_budget = Bytes(1 + below(1 << 24));
    }
    request.resident_device_bytes = Bytes(below(1 << 24));
    if (below(2) != 0) {
        request.frontier_density = BasisPoints(static_cast<std::uint16_t>(below(10'001)));
    }
    return request;
}

TEST(CompiledPolicy, Answers_what_the_policy_of_that_name_answers) {
    std::size_t compiled = 0;
    for (const PolicyRow& row : registered_policies()) {
        const auto known = compiled_policy(row.name);
        EXPECT_EQ(known.has_value(), row.name != "bandit") << row.name;
        if (!known) {
            continue;
        }
        ++compiled;
        const LaunchPolicyParameters parameters;
        const auto policy = row.make(parameters);
        std::mt19937_64 random(7);
        TraceSource traces(3);
        std::size_t answers = 0;
        std::size_t refusals = 0;
        for (int round = 0; round < 50; ++round) {
            const Trace trace = traces.next();
            PolicyState state;
            for (std::size_t at = 0; at < trace.levels.size(); ++at) {
                Observation observation = trace.at(at);
                observation.request = any_request(random, observation.request);
                const auto expected = policy->recommend(observation, state);
                const auto found = recommend_compiled(*known, parameters, observation, state);
                ASSERT_EQ(expected.has_value(), found.has_value()) << row.name;
                if (!expected) {
                    ++refusals;
                    EXPECT_EQ(expected.error(), found.error());
                    continue;
                }
                ++answers;
                EXPECT_EQ(expected->recommendation, found->recommendation) << row.name;
                EXPECT_EQ(expected->rule, found->rule);
                EXPECT_EQ(expected->hold, found->hold);
                ASSERT_EQ(expected->next, found->next);
                state = found->next;
            }
        }
        EXPECT_GT(answers, 50U) << row.name;
        EXPECT_TRUE(refusals > 0 || row.name == "hardened" || row.name == "arcs") << row.name;
    }
    EXPECT_EQ(compiled, 14U);
}

}  // namespace
}  // namespace megabed
