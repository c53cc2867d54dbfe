#include "policy/bandit.h"
#include "policy/field_family.h"
#include "policy/registry.h"

#include <gtest/gtest.h>
#include <array>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace megabed {
namespace {

using Costs = std::array<std::int64_t, bandit::kArms.size()>;

Observation with_density(std::uint16_t density_bps) {
    Observation observation;
    observation.request = LaunchRequest::direct(1000, 64, 256);
    observation.request.graph_node_count = 100'000;
    observation.request.frontier_density = BasisPoints(density_bps);
    return observation;
}

std::size_t arm_of(DispatchTopology topology) {
    return static_cast<std::size_t>(std::find(bandit::kArms.begin(), bandit::kArms.end(), topology) -
                                    bandit::kArms.begin());
}

struct World {
    Costs costs{};
    std::int64_t relaunch = 0;
};

/// Asks and tells launch after launch; returns how often each arm was pulled in the last half.
std::array<int, bandit::kArms.size()> play(Policy& policy, const World& world, int launches, PolicyState& state,
                                           std::uint16_t density_bps = 1000) {
    std::array<int, bandit::kArms.size()> pulls{};
    std::size_t previous = bandit::unpack(state).arm.value_or(static_cast<std::uint32_t>(bandit::kArms.size()));
    for (int launch = 0; launch < launches; ++launch) {
        const Observation observation = with_density(density_bps);
        const auto decision = policy.recommend(observation, state);
        EXPECT_TRUE(decision);
        state = decision->next;
        const std::size_t arm = arm_of(decision->recommendation.topology);
        policy.observe(
            {observation, *decision, SimTime(world.costs[arm] + (arm == previous ? 0 : world.relaunch)), 1024});
        previous = arm;
        if (launch >= launches / 2) {
            ++pulls[arm];
        }
    }
    return pulls;
}

LaunchPolicyParameters with(BanditParameters rule) {
    LaunchPolicyParameters parameters;
    parameters.field.bandit = rule;
    return parameters;
}

TEST(Bandit, Finds_the_cheapest_topology_and_explores_its_share) {
    for (std::size_t cheapest = 0; cheapest < bandit::kArms.size(); ++cheapest) {
        World world{{9000, 8000, 9500, 8500}, 500};
        world.costs[cheapest] = 4000;
        const auto policy = make_bandit_policy({});
        PolicyState state;
        const auto pulls = play(*policy, world, 8000, state);
        // 5 % explore, three quarters of them elsewhere.
        EXPECT_GT(pulls[cheapest], 3750) << cheapest;
        EXPECT_LT(pulls[cheapest], 3950) << cheapest;
    }
}

TEST(Bandit, Learns_each_density_for_itself) {
    const auto policy = make_bandit_policy(with({1, 0, 1, 64}));
    PolicyState state;
    const World sparse_wins{{1000, 5000, 5000, 5000}, 0};
    const World dense_wins{{5000, 5000, 1000, 5000}, 0};
    for (int round = 0; round < 20; ++round) {
        (void)play(*policy, sparse_wins, 10, state, 5);
        (void)play(*policy, dense_wins, 10, state, 6000);
    }
    EXPECT_EQ(play(*policy, sparse_wins, 10, state, 5)[0], 5);
    EXPECT_EQ(play(*policy, dense_wins, 10, state, 6000)[2], 5);
}

TEST(Bandit, Tries_every_topology_once_before_it_chooses) {
    const auto policy = make_bandit_policy(with({1, 0, 4, 64}));
    PolicyState state;
    std::set<DispatchTopology> tried;
    for (int launch = 0; launch < 4; ++launch) {
        const Observation observation = with_density(1000);
        const Decision decision = *policy->recommend(observation, state);
        EXPECT_EQ(decision.rule, TopologyRule::ArmUntried);
        tried.insert(decision.recommendation.topology);
        state = decision.next;
        policy->observe({observation, decision, SimTime(1000), {}});
    }
    EXPECT_EQ(tried.size(), 4U);
    EXPECT_EQ(policy->recommend(with_density(1000), state)->rule, TopologyRule::ArmCheapest);
}

TEST(Bandit, Stays_where_it_is_when_a_switch_costs_more_than_it_saves) {
    // Dense saves 100 a launch, a relaunch costs 1000. Which is worth it depends on how long it will last.
    const World world{{2000, 9000, 1900, 9000}, 1000};
    const auto settle = [&](std::uint32_t horizon) {
        const auto policy = make_bandit_policy(with({1, 0, horizon, 64}));
        PolicyState state;
        // It has been pushing when it comes to choose.
        for (int round = 0; round < 3; ++round) {
            for (const std::size_t arm : {std::size_t{1}, std::size_t{3}, std::size_t{2}, std::size_t{2},
                                          std::size_t{0}, std::size_t{0}}) {
                bandit::Memory memory = bandit::unpack(state);
                const bool kept = memory.arm == arm;
                Decision decision;
                decision.recommendation.topology = bandit::kArms[arm];
                decision.next = bandit::pack(
                    {memory.decisions + 1, static_cast<std::uint32_t>(arm), memory.arm, bandit::cell_of(1000)});
                const Observation observation = with_density(1000);
                policy->observe(
                    {observation, decision, SimTime(world.costs[arm] + (kept ? 0 : world.relaunch)), 1024});
                state = decision.next;
            }
        }
        return play(*policy, world, 20, state);
    };
    EXPECT_EQ(settle(1)[0], 10);   // 1900 + 1000 against 2000
    EXPECT_EQ(settle(10)[0], 10);  // 1900 + 100: a tie stays
    EXPECT_EQ(settle(11)[2], 10);  // 1900 + 91
    World free = world;
    free.relaunch = 0;
    const auto policy = make_bandit_policy(with({1, 0, 1, 64}));
    PolicyState state;
    EXPECT_EQ(play(*policy, free, 40, state)[2], 20);
}

TEST(Bandit, Follows_a_world_that_changes) {
    const auto policy = make_bandit_policy(with({3, 50'000, 4, 16}));
    PolicyState state;
    (void)play(*policy, {{1000, 5000, 3000, 5000}, 100}, 4000, state);
    EXPECT_GT(play(*policy, {{5000, 5000, 3000, 5000}, 100}, 4000, state)[2], 1800);
}

TEST(Bandit, Decides_alike_with_the_same_seed_and_not_with_another) {
    const World world{{2000, 1900, 1800, 1700}, 50};
    const auto sequence = [&](std::uint64_t seed) {
        const auto policy = make_bandit_policy(with({seed, 300'000, 4, 64}));
        PolicyState state;
        std::vector<std::size_t> arms;
        for (int launch = 0; launch < 300; ++launch) {
            const Observation observation = with_density(1000);
            const Decision decision = *policy->recommend(observation, state);
            state = decision.next;
            arms.push_back(arm_of(decision.recommendation.topology));
            policy->observe({observation, decision, SimTime(world.costs[arms.back()]), 1024});
        }
        return arms;
    };
    EXPECT_EQ(sequence(1), sequence(1));
    EXPECT_NE(sequence(1), sequence(2));
}

TEST(Bandit, Asking_teaches_nothing) {
    const auto policy = make_bandit_policy({});
    PolicyState state;
    (void)play(*policy, {{2000, 1900, 1800, 1700}, 50}, 200, state);
    const auto before = policy->learned();
    const Decision first = *policy->recommend(with_density(1000), state);
    const Decision second = *policy->recommend(with_density(1000), state);
    EXPECT_EQ(first.next, second.next);
    EXPECT_EQ(first.recommendation, second.recommendation);
    EXPECT_EQ(policy->learned(), before);
}

TEST(Bandit, What_it_learned_can_be_saved_and_taken_back) {
    const World world{{2000, 1900, 1800, 1700}, 50};
    const auto policy = make_bandit_policy({});
    PolicyState state;
    (void)play(*policy, world, 500, state);
    const auto copy = make_bandit_policy({});
    copy->restore(policy->learned());
    EXPECT_EQ(copy->learned(), policy->learned());
    PolicyState copied = state;
    EXPECT_EQ(play(*policy, world, 500, state), play(*copy, world, 500, copied));
    EXPECT_EQ(state, copied);
    EXPECT_EQ(copy->learned(), policy->learned());
}

TEST(Bandit, What_is_not_its_own_is_not_taken_back) {
    const auto policy = make_bandit_policy({});
    PolicyState state;
    (void)play(*policy, {{2000, 1900, 1800, 1700}, 50}, 50, state);
    const auto learned = policy->learned();
    policy->restore({});
    auto short_one = learned;
    short_one.pop_back();
    policy->restore(short_one);
    auto other_layout = learned;
    ++other_layout[0];
    policy->restore(other_layout);
    EXPECT_EQ(policy->learned(), learned);
    // Numbers no learner would save are taken as the nearest ones.
    std::vector<std::uint64_t> wild(learned.size(), ~std::uint64_t{0});
    wild[0] = learned[0];
    policy->restore(wild);
    (void)play(*policy, {{2000, 1900, 1800, 1700}, 50}, 50, state);
}

TEST(Bandit, An_empty_queue_leaves_no_trace) {
    const auto policy = make_bandit_policy({});
    PolicyState state;
    (void)play(*policy, {{2000, 1900, 1800, 1700}, 50}, 50, state);
    const auto learned = policy->learned();
    Observation idle = with_density(1000);
    idle.request.queue_len = 0;
    const Decision decision = *policy->recommend(idle, state);
    EXPECT_EQ(decision.recommendation.topology, DispatchTopology::Empty);
    EXPECT_EQ(decision.next, state);
    policy->observe({idle, decision, SimTime(5), 0});
    EXPECT_EQ(policy->learned(), learned);
    // Nor does a decision that was not its own.
    Decision foreign;
    foreign.recommendation.topology = DispatchTopology::DenseFrontier;
    policy->observe({idle, foreign, SimTime(5), 0});
    EXPECT_EQ(policy->learned(), learned);
}

TEST(Bandit, Its_random_numbers_are_spread_evenly) {
    constexpr int kDraws = 100'000;
    std::array<int, 16> seen{};
    for (int at = 0; at < kDraws; ++at) {
        ++seen[bandit::draw(5, static_cast<std::uint64_t>(at)) >> 60];
    }
    for (const int count : seen) {
        EXPECT_NEAR(count, kDraws / 16.0, 400);  // five standard deviations
    }
    EXPECT_NE(bandit::draw(5, 0), bandit::draw(6, 0));
    EXPECT_NE(bandit::draw(5, 0), bandit::draw(5, 1));
}

}  // namespace
}  // namespace megabed
