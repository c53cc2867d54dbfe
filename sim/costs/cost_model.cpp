#include "sim/costs/cost_model.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace megabed {
namespace {

constexpr double kNanoseconds = 1e9;
constexpr std::uint32_t kWarp = 32;

/// Linear between neighbouring points, constant outside.
template <class Point, class Position, class Value>
double interpolate(const std::vector<Point>& points, double at, Position position, Value value) {
    assert(!points.empty());
    if (at <= position(points.front())) {
        return value(points.front());
    }
    for (std::size_t next = 1; next < points.size(); ++next) {
        const double left = position(points[next - 1]);
        const double right = position(points[next]);
        if (at <= right) {
            const double share = (at - left) / (right - left);
            return value(points[next - 1]) + share * (value(points[next]) - value(points[next - 1]));
        }
    }
    return value(points.back());
}

double rate_at(const std::vector<RatePoint>& points, Bytes footprint) {
    return interpolate(
        points, static_cast<double>(footprint.value()),
        [](const RatePoint& point) { return static_cast<double>(point.footprint.value()); },
        [](const RatePoint& point) { return point.per_second; });
}

double nanoseconds(SimTime time) { return static_cast<double>(time.value()); }

SimTime rounded(double nanoseconds) { return SimTime(std::llround(nanoseconds)); }

double seconds_to_ns(double amount, double per_second) { return amount / per_second * kNanoseconds; }

}  // namespace

CostModel::CostModel(const DeviceProfile& profile, BasisPoints bandwidth_of_others, const DecisionMaker& maker)
    : profile_(profile),
      bandwidth_share_((kWholeBps - bandwidth_of_others.value()) / static_cast<double>(kWholeBps)),
      place_(maker.place) {
    if (!profile.waves) {
        return;
    }
    const double usual = nanoseconds(profile.device_decision);
    decision_ = {maker.policy, usual, usual};
    for (const DecisionCost& known : profile.waves->decisions) {
        if (known.policy == maker.policy) {
            decision_ = known;
        }
    }
}

SimTime CostModel::decision(bool of_waves) const {
    if (place_ == DecisionPlace::Host) {
        return profile_.host_decision;
    }
    return of_waves && profile_.waves ? SimTime(0) : profile_.device_decision;
}

std::uint32_t CostModel::resident_groups(std::uint32_t lanes) const {
    const std::uint32_t warps_a_group = std::max(div_ceil(lanes, kWarp), 1U);
    const std::uint32_t by_lanes = profile_.resident_lanes_per_multiprocessor / (warps_a_group * kWarp);
    return std::max(std::min(by_lanes, profile_.resident_groups_per_multiprocessor), 1U) *
           profile_.multiprocessors;
}

GrantedGrid CostModel::grant(const LaunchGeometry& geometry) const {
    const BlockGrant blocks =
        spread_over_blocks(geometry.dispatch_grid[0], geometry.workgroup_size_x, profile_.multiprocessors);
    if (profile_.waves) {
        return {blocks.groups, std::uint64_t{blocks.blocks} * (blocks.lanes / kWarp), blocks};
    }
    const std::uint32_t groups =
        std::min(geometry.dispatch_grid[0], resident_groups(geometry.workgroup_size_x));
    return {groups, std::uint64_t{groups} * std::max(div_ceil(geometry.workgroup_size_x, kWarp), 1U), blocks};
}

SimTime CostModel::barrier(std::uint32_t groups) const {
    return rounded(interpolate(
        profile_.barriers, groups, [](const BarrierPoint& point) { return static_cast<double>(point.blocks); },
        [](const BarrierPoint& point) { return nanoseconds(point.time); }));
}

double CostModel::gathers_per_second(Bytes footprint) const { return rate_at(profile_.gathers, footprint); }
double CostModel::atomics_per_second(Bytes footprint) const { return rate_at(profile_.atomics, footprint); }

double CostModel::busy_share(const GrantedGrid& grid) const {
    const double share = static_cast<double>(grid.warps) / profile_.saturating_warps;
    return std::min(std::max(share, 1.0 / profile_.saturating_warps), 1.0);
}

double CostModel::interpreter_ns(const LaunchRecommendation& recommendation, const GrantedGrid& grid,
                                 std::uint64_t items) const {
    if (recommendation.execution_mode == ExecutionMode::Jit) {
        return 0;
    }
    const std::uint64_t tiles = div_ceil<std::uint64_t>(items, profile_.tile_items);
    const std::uint64_t rounds = div_ceil<std::uint64_t>(tiles, std::max(grid.groups, 1U));
    return static_cast<double>(rounds) * nanoseconds(profile_.interpreter_dispatch);
}

/// Bytes, gathers and atomics go on at the same time, as far as the profile says they overlap; others take
/// their share of the memory system from all three.
double CostModel::streams_ns(double bytes, double gathers, Bytes roamed, double atomics) const {
    const double streamed = seconds_to_ns(bytes, profile_.read_bytes_per_second);
    const double gathered = seconds_to_ns(gathers, gathers_per_second(roamed));
    const double updated = seconds_to_ns(atomics, atomics_per_second(roamed));
    const double longest = std::max({streamed, gathered, updated});
    const double hidden = profile_.stream_overlap.value() / static_cast<double>(kWholeBps);
    return (longest + (1 - hidden) * (streamed + gathered + updated - longest)) / bandwidth_share_;
}

double CostModel::push_ns(const LaunchRecommendation& recommendation, const GrantedGrid& grid,
                          const WaveWork& work, std::uint32_t vertices) const {
    const auto arcs = static_cast<double>(work.frontier_arcs);
    const auto found = static_cast<double>(work.discovered);
    const double bytes = work.frontier_vertices * static_cast<double>(profile_.frontier_vertex_bytes.value()) +
                         arcs * work.arc_bytes +
                         found * static_cast<double>(profile_.queue_entry_bytes.value());
    const Bytes values(std::uint64_t{vertices} * work.value_bytes);
    const double streams = streams_ns(bytes, arcs, values, static_cast<double>(work.updates));
    const double tickets = seconds_to_ns(found / kWarp, profile_.tickets_per_second);

    // A vertex belongs to one warp, unless the hybrid splits it into tiles.
    const bool splits = recommendation.topology == DispatchTopology::HybridFrontier;
    const std::uint64_t longest =
        splits ? std::min<std::uint64_t>(work.heaviest_vertex_arcs, profile_.heavy_degree)
               : work.heaviest_vertex_arcs;
    const double tail =
        static_cast<double>(div_ceil<std::uint64_t>(longest, kWarp)) * nanoseconds(profile_.warp_step);
    const double tiles =
        splits ? static_cast<double>(div_ceil<std::uint64_t>(work.heavy_arcs, profile_.heavy_degree)) : 0;
    const double splitting = seconds_to_ns(tiles, profile_.tickets_per_second);
    return std::max(streams / busy_share(grid), tail) + tickets + splitting;
}

double CostModel::pull_ns(const GrantedGrid& grid, const WaveWork& work, std::uint32_t vertices) const {
    const Bytes bitmap(std::max(div_ceil<std::uint64_t>(vertices, 8), std::uint64_t{1}));
    const auto inspected = static_cast<double>(work.inspected_arcs);
    // Three bitmaps: visited, frontier, next frontier.
    const double bytes =
        3 * static_cast<double>(bitmap.value()) +
        static_cast<double>(work.scanned_vertices) * static_cast<double>(profile_.row_bytes.value()) +
        inspected * work.arc_bytes + static_cast<double>(work.updates) * work.value_bytes;
    return streams_ns(bytes, inspected, bitmap, 0) / busy_share(grid);
}

double CostModel::calibrated_ns(const WaveCosts& costs, const LaunchRecommendation& recommendation,
                                const GrantedGrid& grid, const WaveWork& work, std::uint32_t vertices,
                                WaveContext& context) const {
    const bool on_device = place_ == DecisionPlace::Device;
    context.compiled = context.compiled || (on_device && recommendation.execution_mode == ExecutionMode::Jit);
    const WaveOrder order{recommendation.topology, grid.blocks, recommendation.hit_capacity, context.compiled,
                          context.before};
    const WaveTerms terms = wave_terms(order, work, vertices);
    const WaveCosts::Set& set = costs.sets[terms.set.index()];
    const double decided = context.compiled ? decision_.compiled_ns : decision_.general_ns;
    double time = on_device ? set.decision_share * decided : 0;
    for (std::size_t term = 0; term < kWaveTerms; ++term) {
        time += terms.amounts[term] * set.ns[term];
    }
    context.before = left_behind(order, terms, work);
    return time / bandwidth_share_;
}

SimTime CostModel::wave(const LaunchRecommendation& recommendation, const GrantedGrid& grid,
                        const WaveWork& work, std::uint32_t vertices, WaveContext& context) const {
    if (profile_.waves) {
        return rounded(calibrated_ns(*profile_.waves, recommendation, grid, work, vertices, context));
    }
    const bool pull = direction_of(recommendation.topology) == Direction::Pull;
    const std::uint32_t passes = output_passes(recommendation, work.discovered);
    const double expansion =
        pull ? pull_ns(grid, work, vertices) : push_ns(recommendation, grid, work, vertices);
    const double fixed = nanoseconds(barrier(grid.groups)) + nanoseconds(profile_.dependent_access);
    const std::uint64_t items = pull ? work.scanned_vertices : work.frontier_vertices;
    return rounded(passes * fixed + expansion + interpreter_ns(recommendation, grid, items));
}

std::uint32_t CostModel::service_groups(const LaunchRecommendation& recommendation) const {
    const std::uint32_t resident = resident_groups(recommendation.geometry.workgroup_size_x);
    return std::max(std::min(recommendation.worker_groups, resident), 1U);
}

double CostModel::claim_ns(const LaunchRecommendation& recommendation) const {
    const double dispatch =
        recommendation.execution_mode == ExecutionMode::Jit ? 0 : nanoseconds(profile_.interpreter_dispatch);
    return kNanoseconds / profile_.tickets_per_second + nanoseconds(profile_.dependent_access) + dispatch;
}

SimTime CostModel::item(SimTime work, double delay_ns, std::uint64_t warps) const {
    // The share of the work that waits for memory slows down once more warps are at work than the memory system
    // feeds, and by what others take of it.
    const double bound = profile_.item_memory_share.value() / static_cast<double>(kWholeBps);
    const double crowding =
        std::max(static_cast<double>(warps) / profile_.saturating_warps, 1.0) / bandwidth_share_;
    return rounded(delay_ns + nanoseconds(work) * (1 - bound + bound * crowding));
}

}  // namespace megabed
