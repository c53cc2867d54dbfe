#include "sim/costs/wave_terms.h"

#include "policy/units.h"

#include <algorithm>
#include <cmath>

namespace megabed {
namespace {

/// Frontiers that one block keeps, as gpu/megakernel/solo_levels.cuh has them.
constexpr std::uint32_t kSoloVertices = 2048;
constexpr std::uint64_t kSoloArcs = 8192;
constexpr std::uint32_t kSoloLanes = 992;
/// What a pull of levels puts into a queue, as gpu/megakernel/pull_wave.cuh has it.
constexpr std::uint32_t kPulledQueue = 1U << 14;
constexpr std::uint64_t kPulledShare = 8;

constexpr std::uint64_t kArcsOfLane = 4;  ///< whose accesses overlap
constexpr std::uint64_t kPullGroup = 128;
constexpr std::uint64_t kWordVertices = 32;
constexpr std::uint64_t kStepVertices = 4096;
constexpr std::uint64_t kWholeRow = 4;

constexpr bool pulls(DispatchTopology topology) {
    return topology == DispatchTopology::DenseFrontier || topology == DispatchTopology::FusedDense;
}

double times(std::uint64_t amount, std::uint64_t at_once) {
    return static_cast<double>(div_ceil<std::uint64_t>(amount, std::max<std::uint64_t>(at_once, 1)));
}

/// Arcs of the heaviest `share` of the frontier; linear in it between the shares that were counted.
double heaviest_arcs(const WaveWork& work, double share) {
    const auto whole = static_cast<double>(work.frontier_arcs);
    if (work.heaviest_parts.back() == 0) {
        return whole * share;
    }
    double above = whole;  // arcs of the heaviest `part`
    double part = 1;
    for (const std::uint64_t arcs : work.heaviest_parts) {
        const auto below = static_cast<double>(arcs);
        if (share >= part / 2) {
            return below + (above - below) * (share - part / 2) / (part / 2);
        }
        above = below;
        part /= 2;
    }
    return above * share / part;
}

/// By squaring, so that it is the same on every machine.
double power_of_128(double value) {
    for (int doubling = 0; doubling < 7; ++doubling) {
        value *= value;
    }
    return value;
}

class Wave {
public:
    Wave(const WaveOrder& order, const WaveWork& work, std::uint32_t vertices)
        : order_(order),
          work_(work),
          vertices_(std::max(vertices, 1U)),
          blocks_(std::max(order.grant.blocks, 1U)),
          lanes_(std::uint64_t{blocks_} * std::max(order.grant.lanes, kMegakernelWarpLanes)),
          warps_(lanes_ / kMegakernelWarpLanes) {}

    WaveTerms terms() {
        terms_.set = {kind(), mode()};
        if (terms_.set.mode == WaveMode::Solo) {
            add_solo();
            return terms_;
        }
        add_common();
        if (pulls(order_.topology)) {
            add_pull();
        } else {
            add_push();
        }
        return terms_;
    }

private:
    [[nodiscard]] WaveKind kind() const {
        return work_.kind == WaveKind::Prescribed ? WaveKind::Levels : work_.kind;
    }
    [[nodiscard]] bool levels() const { return kind() == WaveKind::Levels; }
    [[nodiscard]] bool after_pull() const {
        return order_.before.any &&
               (order_.before.mode == WaveMode::Pull || order_.before.mode == WaveMode::SkewedPull);
    }
    [[nodiscard]] bool after_solo() const { return order_.before.any && order_.before.mode == WaveMode::Solo; }
    /// Whether there is a queue of the frontier: a pull of levels makes one where it is small.
    [[nodiscard]] bool queued() const {
        return work_.kind != WaveKind::Levels || !after_pull() ||
               (order_.before.frontier_arcs < work_.graph_arcs / kPulledShare &&
                work_.frontier_vertices <= kPulledQueue);
    }
    [[nodiscard]] WaveMode mode() const {
        if (pulls(order_.topology)) {
            return levels() && work_.skewed ? WaveMode::SkewedPull : WaveMode::Pull;
        }
        if (work_.kind == WaveKind::Levels && work_.frontier_vertices <= kSoloVertices &&
            work_.frontier_arcs <= kSoloArcs && queued()) {
            return WaveMode::Solo;
        }
        return blocks_ == 1 ? WaveMode::Block : WaveMode::Blocks;
    }

    void add_solo() {
        const std::uint64_t crew = std::min<std::uint64_t>(lanes_, kSoloLanes);
        const bool mixed = work_.heaviest_vertex_arcs > kWholeRow;
        const std::uint64_t units = mixed
                                        ? div_ceil(work_.frontier_arcs, kWholeRow) + work_.frontier_vertices / 2
                                        : work_.frontier_vertices;
        terms_[WaveTerm::First] = order_.before.any ? 0 : 1;
        terms_[WaveTerm::FromDevice] = order_.before.any && !after_solo() ? 1 : 0;
        terms_[WaveTerm::Named] = order_.compiled ? 0 : 1;
        terms_[WaveTerm::Round] = times(units, crew);
        terms_[WaveTerm::MixedRound] = mixed ? times(units, crew) : 0;
        terms_[WaveTerm::Unit] = static_cast<double>(units);
        terms_[WaveTerm::HitLane] = static_cast<double>(work_.discovered) / static_cast<double>(crew);
        terms_[WaveTerm::Changed] = work_.discovered;
    }

    void add_common() {
        terms_[WaveTerm::Wave] = 1;
        terms_[WaveTerm::Named] = order_.compiled ? 0 : 1;
        const bool several = blocks_ > 1;
        const bool outside = !order_.before.any || after_solo() || order_.before.blocks < blocks_;
        terms_[WaveTerm::Called] = several && outside ? 1 : 0;
        terms_[WaveTerm::Several] = several ? 1 : 0;
        terms_[WaveTerm::Blocks] = several ? blocks_ : 0;
        if (!levels()) {
            terms_[WaveTerm::PrepareRound] = times(work_.frontier_vertices, lanes_);
            terms_[WaveTerm::SelectRound] = times(work_.changed, lanes_);
        }
        if (work_.opens_bucket) {
            add_bucket();
        }
    }

    /// Two passes over the bitmap of those that wait.
    void add_bucket() {
        const std::uint64_t pieces = div_ceil<std::uint64_t>(vertices_, kStepVertices);
        terms_[WaveTerm::OpenBucket] = 1;
        terms_[WaveTerm::OpenPiece] = times(pieces, warps_);
        terms_[WaveTerm::OpenIteration] =
            static_cast<double>(work_.waiting_steps) / static_cast<double>(std::min(warps_, pieces));
        terms_[WaveTerm::OpenedVertex] = work_.discovered;
    }

    void add_push() {
        const std::uint64_t lanes_of_block = lanes_ / blocks_;
        if (!queued()) {
            terms_[WaveTerm::Collect] = 1;
            terms_[WaveTerm::CollectRound] = times(div_ceil<std::uint64_t>(vertices_, kWordVertices), warps_);
        }
        const std::uint64_t at_once = kArcsOfLane * lanes_of_block;
        const std::uint64_t even = div_ceil<std::uint64_t>(work_.frontier_arcs, blocks_);
        const double rounds = std::max(times(even, at_once), 1.0);
        terms_[WaveTerm::Round] = rounds;
        terms_[WaveTerm::RoundWarp] = rounds * static_cast<double>(lanes_of_block) / kMegakernelWarpLanes;
        if (order_.topology == DispatchTopology::SparseFrontier && blocks_ > 1) {
            const double most = std::ceil(heaviest_block() / static_cast<double>(at_once));
            terms_[work_.in_row_order ? WaveTerm::UnevenSortedRound : WaveTerm::UnevenRound] =
                std::max(most - rounds, 0.0);
        }
        terms_[WaveTerm::EntryRound] =
            times(div_ceil<std::uint64_t>(work_.frontier_vertices, blocks_), lanes_of_block);
        terms_[WaveTerm::Arc] = static_cast<double>(work_.frontier_arcs);
        const std::uint32_t changed = levels() ? work_.discovered : work_.changed;
        terms_[WaveTerm::Changed] = changed;
        terms_[WaveTerm::Update] = static_cast<double>(work_.updates);
        terms_[WaveTerm::HitRound] = times(changed, kArcsOfLane * lanes_);
        terms_[WaveTerm::Crowd] =
            work_.skewed
                ? static_cast<double>(std::min<std::uint64_t>(work_.frontier_arcs, kArcsOfLane * lanes_))
                : 0;
        terms_[WaveTerm::Pass] = changed == 0 ? 0 : times(changed, std::max(order_.hit_capacity, 1U)) - 1;
    }

    /// Blocks take as many vertices each; where the queue has hubs first, the first block has them all. A
    /// frontier that several lanes found at once is in order but for the places they took at once.
    [[nodiscard]] double heaviest_block() const {
        const std::uint64_t shuffled =
            work_.in_row_order && order_.before.any ? kArcsOfLane * order_.before.lanes : 1;
        const double share = std::clamp(static_cast<double>(shuffled) / std::max(work_.frontier_vertices, 1U),
                                        1.0 / blocks_, 1.0);
        const double even = static_cast<double>(work_.frontier_arcs) / blocks_;
        return std::max(heaviest_arcs(work_, share) / (share * blocks_), even);
    }

    void add_pull() {
        const auto lanes = static_cast<double>(lanes_);
        if (!levels()) {
            const auto inspected = static_cast<double>(work_.inspected_arcs);
            const auto active = static_cast<double>(work_.frontier_arcs);
            terms_[WaveTerm::WordRound] = times(work_.rows, kWordVertices * warps_);
            const double open = static_cast<double>(work_.scanned_vertices) / std::max(work_.rows, 1U);
            terms_[WaveTerm::LaneStep] =
                open * static_cast<double>(work_.lane_steps) / static_cast<double>(warps_);
            terms_[WaveTerm::InspectedLane] = inspected / lanes;
            terms_[WaveTerm::Inspected] = inspected;
            terms_[WaveTerm::ActiveLane] = active / lanes;
            terms_[WaveTerm::Active] = active;
            terms_[WaveTerm::Changed] = work_.changed;
            return;
        }
        const double rounds = times(work_.rows, kPullGroup * warps_);
        const double open =
            std::min(static_cast<double>(work_.scanned_vertices) / std::max(work_.rows, 1U), 1.0);
        const auto long_arcs = static_cast<double>(work_.long_row_arcs);
        terms_[WaveTerm::GroupRound] = rounds;
        // Renumbered vertices are open here and there; others, as they were counted.
        terms_[WaveTerm::OpenRound] =
            work_.skewed ? rounds * (1 - power_of_128(1 - open))
                         : static_cast<double>(work_.open_groups) / static_cast<double>(warps_);
        terms_[WaveTerm::HeadLane] = static_cast<double>(work_.scanned_vertices) / lanes;
        terms_[WaveTerm::Head] = static_cast<double>(work_.scanned_vertices);
        terms_[WaveTerm::LongArcLane] = long_arcs / lanes;
        terms_[WaveTerm::LongArc] = long_arcs;
        terms_[WaveTerm::LongestLook] = work_.long_row_arcs > 0 ? static_cast<double>(work_.longest_look) : 0;
        terms_[WaveTerm::Changed] = work_.discovered;
        terms_[WaveTerm::QueuedVertex] =
            work_.frontier_arcs < work_.graph_arcs / kPulledShare ? work_.discovered : 0;
    }

    const WaveOrder& order_;
    const WaveWork& work_;
    std::uint32_t vertices_;
    std::uint32_t blocks_;
    std::uint64_t lanes_;
    std::uint64_t warps_;
    WaveTerms terms_;
};

constexpr std::array<WaveTermName, kWaveTerms> kNames{{
    {"wave", "waves: what each costs"},
    {"named", "waves of the general kernel, which has all policies in it"},
    {"called", "waves for which blocks are called in from outside"},
    {"block", "blocks that meet at barriers"},
    {"several", "waves of more than one block"},
    {"first", "first waves of a run"},
    {"from_device", "frontiers that one block takes over from device memory"},
    {"collect", "frontiers that are collected from a bitmap"},
    {"collect_round", "rounds of 32 vertices a warp for that"},
    {"entry_round", "rounds of frontier vertices, one a lane, in a block"},
    {"round",
     "rounds of arcs, four a lane, in the block of mean load; in one block that keeps its frontier: of rows"},
    {"round_warp", "warps of a block in such rounds: they wait for each other's accesses"},
    {"uneven_round", "rounds that the block with the heaviest vertices takes longer"},
    {"uneven_sorted_round", "the same where the queue lists hubs first"},
    {"mixed_round", "rounds where some row is longer than four"},
    {"unit", "rows, or four arcs of a longer one"},
    {"hit_lane", "vertices found a lane"},
    {"hit_round", "rounds of vertices found, four a lane"},
    {"arc", "arcs of the frontier"},
    {"changed", "vertices found or changed"},
    {"update", "atomics on values"},
    {"crowd", "arcs in flight at once, where degrees are skewed: they meet at the same words"},
    {"pass", "passes beyond the first, for what exceeds the hit capacity"},
    {"prepare_round", "rounds of frontier vertices over all lanes"},
    {"select_round", "rounds of changed vertices over all lanes"},
    {"open_bucket", "buckets that are opened"},
    {"open_piece", "rounds of 4,096 vertices a warp for that"},
    {"open_iteration", "steps of a warp through those that wait for a bucket"},
    {"opened", "vertices in the bucket that is opened"},
    {"group_round", "rounds of 128 vertices a warp"},
    {"open_round", "those of them with a vertex that may still change"},
    {"head_lane", "vertices that may still change, a lane"},
    {"head", "vertices that may still change"},
    {"long_arc_lane", "arcs beyond the second of rows of over four, a lane"},
    {"long_arc", "arcs beyond the second of rows of over four"},
    {"longest_look", "arcs that one vertex looks at, one after the other"},
    {"queued_vertex", "vertices that a pull puts into the queue"},
    {"word_round", "rounds of 32 vertices a warp"},
    {"lane_step", "arcs that the lane with the longest row reads one after the other, a warp"},
    {"inspected_lane", "arcs inspected, a lane"},
    {"inspected", "arcs inspected"},
    {"active_lane", "arcs of the frontier, a lane"},
    {"active", "arcs of the frontier whose values are read"},
}};

}  // namespace

std::span<const WaveTermName, kWaveTerms> wave_term_names() { return kNames; }

std::string_view kind_name(WaveKind kind) {
    constexpr std::array<std::string_view, kWaveKinds> kKinds{"levels", "distances", "labels", "ranks"};
    return kKinds.at(static_cast<std::size_t>(kind));
}

std::string_view mode_name(WaveMode mode) {
    constexpr std::array<std::string_view, kWaveModes> kModes{"solo", "block", "blocks", "pull", "skewed_pull"};
    return kModes.at(static_cast<std::size_t>(mode));
}

WaveTerms wave_terms(const WaveOrder& order, const WaveWork& work, std::uint32_t vertices) {
    return Wave(order, work, vertices).terms();
}

WaveBefore left_behind(const WaveOrder& order, const WaveTerms& terms, const WaveWork& work) {
    return {true, terms.set.mode, work.frontier_arcs, order.grant.blocks,
            order.grant.blocks * order.grant.lanes};
}

}  // namespace megabed
