#pragma once

#include "policy/field_rule.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <span>

/// A contextual epsilon-greedy bandit over topologies, with optimistic first estimates.
/// Contexts are coarse cells of frontier density, arms the four frontier topologies. The loss of a launch is
/// its duration for each item that it finished. For each cell and arm two means are kept: of launches that kept
/// the topology before them, and of launches that entered it, whose durations include the relaunch. An arm that
/// is not the current one is charged the difference, spread over `horizon` launches. Source: Sutton and Barto,
/// "Reinforcement Learning", 2nd edition, 2018, sections 2.2 to 2.6 (epsilon-greedy, incremental averages, a
/// constant step where the world drifts, optimistic initial values) and 2.9 (contexts).
namespace megabed::bandit {

inline constexpr std::array kArms{DispatchTopology::SparseFrontier, DispatchTopology::HybridFrontier,
                                  DispatchTopology::DenseFrontier, DispatchTopology::FusedDense};
inline constexpr std::uint32_t kCells = 8;

/// 0 below 1 bp, then a factor of four a cell; everything from 4096 bps up is the last.
[[nodiscard]] constexpr std::uint32_t cell_of(std::uint32_t density_bps) {
    return std::min((static_cast<std::uint32_t>(std::bit_width(density_bps)) + 1) / 2, kCells - 1);
}
static_assert(cell_of(0) == 0 && cell_of(1) == 1 && cell_of(2) == 1 && cell_of(4) == 2 && cell_of(4095) == 6);
static_assert(cell_of(4096) == 7 && cell_of(65'535) == 7);

/// A mean in 1/1024 ns an item.
struct Mean {
    std::uint64_t value = 0;
    std::uint64_t count = 0;

    constexpr bool operator==(const Mean&) const = default;

    /// Averages over all losses until there are `window`, then forgets older ones exponentially.
    constexpr void add(std::uint64_t loss, std::uint32_t window) {
        count = std::min<std::uint64_t>(count + 1, window);
        const auto step = (static_cast<std::int64_t>(loss) - static_cast<std::int64_t>(value)) /
                          static_cast<std::int64_t>(count);
        value = static_cast<std::uint64_t>(static_cast<std::int64_t>(value) + step);
    }
};

/// What is known of one arm in one cell.
struct Arm {
    Mean kept{};
    Mean entered{};

    constexpr bool operator==(const Arm&) const = default;
};

using Losses = std::array<std::array<Arm, kArms.size()>, kCells>;

/// What the policy carries: how many launches it decided, and how the last one came about.
struct Memory {
    std::uint64_t decisions = 0;
    std::optional<std::uint32_t> arm{};
    std::optional<std::uint32_t> arm_before{};
    std::uint32_t cell = 0;
};

[[nodiscard]] constexpr PolicyState pack(const Memory& memory) {
    constexpr unsigned kByte = 8;
    const auto code = [](const std::optional<std::uint32_t>& arm) {
        return arm ? std::uint64_t{*arm} + 1 : std::uint64_t{0};
    };
    PolicyState state;
    state.words = {
        memory.decisions,
        code(memory.arm) | code(memory.arm_before) << kByte | std::uint64_t{memory.cell} << 2 * kByte, 0};
    return state;
}

/// Reads any bits at all: an arm that does not exist counts as none.
[[nodiscard]] constexpr Memory unpack(const PolicyState& state) {
    const auto byte = [&state](unsigned place) {
        return static_cast<std::uint32_t>(state.words[1] >> 8 * place & 0xFFU);
    };
    const auto arm = [](std::uint32_t code) {
        return code >= 1 && code <= kArms.size() ? std::optional(code - 1) : std::nullopt;
    };
    return {state.words[0], arm(byte(0)), arm(byte(1)), byte(2) % kCells};
}

/// A number of the policy's own random stream: the counter's place in it, mixed.
/// Source: the mixing function of SplitMix64, Steele, Lea, Flood, OOPSLA 2014.
[[nodiscard]] constexpr std::uint64_t draw(std::uint64_t seed, std::uint64_t counter) {
    const auto mix = [](std::uint64_t value) {
        value = (value ^ value >> 30) * 0xBF58'476D'1CE4'E5B9;
        value = (value ^ value >> 27) * 0x94D0'49BB'1331'11EB;
        return value ^ value >> 31;
    };
    constexpr std::uint64_t kStep = 0x9E37'79B9'7F4A'7C15;
    return mix(mix(seed + kStep) + (counter + 1) * kStep);
}

/// Loss expected of an arm, and nothing if it was never tried in the cell.
/// Requires: horizon not 0.
[[nodiscard]] constexpr std::optional<std::uint64_t> expected_loss(const BanditParameters& rule, const Arm& arm,
                                                                   bool current) {
    const Mean& kept = arm.kept.count > 0 ? arm.kept : arm.entered;
    const Mean& entered = arm.entered.count > 0 ? arm.entered : arm.kept;
    if (kept.count == 0) {
        return std::nullopt;
    }
    if (current) {
        return kept.value;
    }
    const field::Wide spread = field::Wide{kept.value} * (rule.horizon - 1) + entered.value;
    return static_cast<std::uint64_t>(spread / rule.horizon);
}

struct Pick {
    std::uint32_t arm = 0;
    TopologyRule rule{};
};

/// The arm to pull: at random with the exploration's share, else one never tried in this cell, else the
/// cheapest, the current one first among equals.
[[nodiscard]] constexpr Pick pick(const BanditParameters& rule, const std::array<Arm, kArms.size()>& arms,
                                  const Memory& memory) {
    constexpr std::uint64_t kMillion = 1'000'000;
    constexpr unsigned kHalf = 32;
    const std::uint64_t random = draw(rule.seed, memory.decisions);
    if (field::low_half(random) * kMillion >> kHalf < rule.exploration_ppm) {
        return {static_cast<std::uint32_t>((random >> kHalf) * kArms.size() >> kHalf),
                TopologyRule::ArmExplored};
    }
    Pick best{0, TopologyRule::ArmCheapest};
    std::optional<std::uint64_t> least;
    for (std::uint32_t at = 0; at < kArms.size(); ++at) {
        const bool current = memory.arm == at;
        const auto loss = expected_loss(rule, arms[at], current);
        if (!loss) {
            return {at, TopologyRule::ArmUntried};
        }
        if (!least || *loss < *least || (*loss == *least && current)) {
            best.arm = at;
            least = loss;
        }
    }
    return best;
}

/// Decides one launch. An empty queue leaves no trace.
/// Errors: those of `reference::complete`.
[[nodiscard]] constexpr Result<Decision> recommend(const LaunchPolicyParameters& parameters,
                                                   const Losses& losses, const Observation& observation,
                                                   const PolicyState& state) {
    const auto signals = reference::infer_missing_signals(parameters, observation.request);
    field::Chosen chosen{field::kEmpty.choice, state};
    if (signals.topology.queue_len != 0) {
        const Memory memory = unpack(state);
        const std::uint32_t cell = cell_of(signals.topology.density_bps);
        const Pick choice = pick(parameters.field.bandit, losses[cell], memory);
        chosen.choice = {kArms[choice.arm], choice.rule, TopologyHold::None};
        chosen.next = pack({memory.decisions + 1, choice.arm, memory.arm, cell});
    }
    return field::complete(parameters, observation.request, signals, chosen);
}

/// Learns from a launch that this policy decided; an empty one teaches nothing.
/// Requires: window not 0.
constexpr void learn(const BanditParameters& rule, const LaunchFeedback& feedback, Losses& losses) {
    constexpr std::uint64_t kScale = 1024;
    constexpr std::int64_t kLongest = std::int64_t{1} << 50;
    const Memory memory = unpack(feedback.decision.next);
    if (feedback.decision.recommendation.topology == DispatchTopology::Empty || !memory.arm) {
        return;
    }
    const std::int64_t nanoseconds = std::clamp<std::int64_t>(feedback.duration.value(), 0, kLongest);
    const std::uint64_t items = feedback.items.value_or(feedback.observation.request.queue_len);
    const std::uint64_t loss =
        static_cast<std::uint64_t>(nanoseconds) * kScale / std::max<std::uint64_t>(items, 1);
    Arm& arm = losses[memory.cell][*memory.arm];
    (memory.arm == memory.arm_before ? arm.kept : arm.entered).add(loss, rule.window);
}

/// The estimates in a row, after a word that says which layout this is.
using SavedLosses = std::array<std::uint64_t, 1 + std::size_t{4} * kCells * kArms.size()>;
inline constexpr std::uint64_t kSavedLayout = 0x6261'6E64'6974'0001;  // "bandit", 1

[[nodiscard]] constexpr SavedLosses save(const Losses& losses) {
    SavedLosses saved{kSavedLayout};
    std::size_t at = 1;
    for (const auto& cell : losses) {
        for (const Arm& arm : cell) {
            for (const Mean& mean : {arm.kept, arm.entered}) {
                saved[at++] = mean.value;
                saved[at++] = mean.count;
            }
        }
    }
    return saved;
}

/// Nothing if this is not what `save` gave.
[[nodiscard]] constexpr std::optional<Losses> load(std::span<const std::uint64_t> saved) {
    if (saved.size() != SavedLosses().size() || saved[0] != kSavedLayout) {
        return std::nullopt;
    }
    constexpr std::uint64_t kValueMost = std::uint64_t{1} << 62;
    constexpr std::uint64_t kCountMost = std::uint64_t{1} << 32;
    Losses losses{};
    std::size_t at = 1;
    for (auto& cell : losses) {
        for (Arm& arm : cell) {
            for (Mean* const mean : {&arm.kept, &arm.entered}) {
                mean->value = std::min(saved[at++], kValueMost);
                mean->count = std::min(saved[at++], kCountMost);
            }
        }
    }
    return losses;
}

}  // namespace megabed::bandit
