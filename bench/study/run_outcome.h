#pragma once

// Boost 1.74's optional.hpp takes version.hpp for granted.
// clang-format off
#include <boost/serialization/version.hpp>
#include <boost/serialization/optional.hpp>
// clang-format on
#include <boost/optional.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace megabed {

/// What one topology took of a run. Times in ns.
struct OutcomeShare {
    std::string topology;
    std::int64_t launches = 0;
    std::int64_t waves = 0;
    std::int64_t time_ns = 0;

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& topology& launches& waves& time_ns;
    }
};

/// Launches of one topology in a row. Densities in basis points, of the readings that were taken.
struct OutcomeSegment {
    std::string topology;
    std::int64_t start_ns = 0;
    std::int64_t end_ns = 0;
    std::int64_t launches = 0;
    boost::optional<std::int64_t> density_min_bps{};
    boost::optional<std::int64_t> density_max_bps{};

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& topology& start_ns& end_ns& launches& density_min_bps& density_max_bps;
    }
};

/// One finished run of a study, as the tables `run`, `topology_share`, `timeline` and `execution` of schema.sql
/// keep it; also what processes of a study send each other.
struct RunOutcome {
    using Number = boost::optional<std::int64_t>;  // Boost.Serialization knows no std::optional
    using Real = boost::optional<double>;

    std::int64_t id = 0;
    boost::optional<std::string> error{};
    boost::optional<std::string> digest{};
    boost::optional<std::string> graph{};
    boost::optional<std::string> device{};
    boost::optional<std::string> device_digest{};
    Number makespan_ns{};
    Number launches{};
    Number waves{};
    Number levels{};
    Number topology_switches{};
    Number flaps{};
    Real worker_groups_mean{};
    Number arcs{};
    Number peak_bytes{};
    Number budget_bytes{};
    Number oom_rejections{};
    Number drain_ns{};
    Number relaunch_ns{};
    Number compilation_ns{};
    Number waiting_ns{};
    Number hindsight_ns{};
    Real regret{};
    Number items_published{};
    Number items_done{};
    Number items_rejected{};
    Number items_requeued{};
    Real latency_mean_ns{};
    Number latency_p50_ns{};
    Number latency_p99_ns{};
    Number latency_max_ns{};
    Number cache_hits{};
    Number cache_misses{};
    std::vector<OutcomeShare> shares{};
    std::vector<OutcomeSegment> timeline{};
    std::int64_t process = 0;
    std::int64_t wall_ns = 0;

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& id& error& digest& graph& device& device_digest;
        for_each_figure([&archive](const char* /*column*/, auto& figure) { archive& figure; });
        archive& shares& timeline& process& wall_ns;
    }

    /// Calls `visit(column, figure)` for every figure, in the order of the table's columns.
    template <class Visit>
    void for_each_figure(Visit visit) {
        visit("makespan_ns", makespan_ns);
        visit("launches", launches);
        visit("waves", waves);
        visit("levels", levels);
        visit("topology_switches", topology_switches);
        visit("flaps", flaps);
        visit("worker_groups_mean", worker_groups_mean);
        visit("arcs", arcs);
        visit("peak_bytes", peak_bytes);
        visit("budget_bytes", budget_bytes);
        visit("oom_rejections", oom_rejections);
        visit("drain_ns", drain_ns);
        visit("relaunch_ns", relaunch_ns);
        visit("compilation_ns", compilation_ns);
        visit("waiting_ns", waiting_ns);
        visit("hindsight_ns", hindsight_ns);
        visit("regret", regret);
        visit("items_published", items_published);
        visit("items_done", items_done);
        visit("items_rejected", items_rejected);
        visit("items_requeued", items_requeued);
        visit("latency_mean_ns", latency_mean_ns);
        visit("latency_p50_ns", latency_p50_ns);
        visit("latency_p99_ns", latency_p99_ns);
        visit("latency_max_ns", latency_max_ns);
        visit("cache_hits", cache_hits);
        visit("cache_misses", cache_misses);
    }
};

}  // namespace megabed
