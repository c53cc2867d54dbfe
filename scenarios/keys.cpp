#include "scenarios/keys.h"

#include "policy/launch_parameters.h"
#include "scenarios/request_fields.h"
#include "scenarios/request_toml.h"
#include "sim/costs/wave_terms.h"

#include <fmt/format.h>
#include <array>
#include <iterator>
#include <limits>

namespace megabed {
namespace {

constexpr std::int64_t kU32Max = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t kBytesMax = std::int64_t{1} << 50;
constexpr std::int64_t kMillion = 1'000'000;
constexpr std::int64_t kHour = 3'600'000'000'000;
constexpr std::int64_t kWavesMax = 1'000'000'000'000;
constexpr std::string_view kRequired = "required";

constexpr std::array kScenarioKeys{
    KeySpec{"", "format", KeyType::Count, 1, 1, kRequired, "version of this format"},
    KeySpec{"", "summary", KeyType::Text, 0, 0, kRequired, "one line for `megabed list scenarios`"},
    KeySpec{"", "seed", KeyType::Count, 0, std::numeric_limits<std::int64_t>::max(), "1",
            "seed of every random stream but a graph SPEC's, which names its own; `--seed` replaces it"},

    KeySpec{"policy", "name", KeyType::Text, 0, 0, "reference", "a name that `megabed list policies` shows"},
    KeySpec{"policy", "decide", KeyType::Choice, 0, 0, "device", "where the next launch is decided",
            "device, host"},
    KeySpec{"policy", "min_hit_capacity", KeyType::Count, 0, kU32Max, "1024",
            "least derived hit capacity, entries"},
    KeySpec{"policy", "hit_capacity_multiplier", KeyType::Count, 1, kU32Max, "2",
            "entries for each expected hit"},
    KeySpec{"policy", "saturated_waves", KeyType::Count, 1, kU32Max, "4",
            "queue depth in waves that counts as saturated"},
    KeySpec{"policy", "hot_opcode_threshold", KeyType::Count, 0, kU32Max, "8",
            "hot opcodes that promote to a fused kernel"},
    KeySpec{"policy", "hot_window_threshold", KeyType::Count, 0, kU32Max, "4",
            "hot windows that promote to a fused kernel"},
    KeySpec{"policy", "jit_queue_len_threshold", KeyType::Count, 0, kU32Max, "4096",
            "queue length that takes the compiled route"},
    KeySpec{"policy", "priority_age_threshold", KeyType::Count, 0, kU32Max, "32",
            "age in launches that lifts an item"},
    KeySpec{"policy", "sparse_frontier_threshold_bps", KeyType::Bps, 1, 9998, "500",
            "density up to which the frontier is sparse; above the hysteresis"},
    KeySpec{"policy", "dense_frontier_threshold_bps", KeyType::Bps, 2, 9999, "4000",
            "density from which it is dense; sparse + 2 x hysteresis < dense < 10000 - hysteresis"},
    KeySpec{"policy", "memory_pressure_threshold_bps", KeyType::Bps, 1, 10'000, "8500",
            "pressure from which a launch is memory-constrained; above the hysteresis"},
    KeySpec{"policy", "hysteresis_bps", KeyType::Bps, 0, kHysteresisMaxBps, "250",
            "half-width of the hold around either density threshold, depth of the hold below the pressure's"},
    KeySpec{"policy", "fusion_edge_threshold", KeyType::Count, 0, kU32Max, "65536",
            "arcs from which dense waves may fuse"},
    KeySpec{"policy", "scratch_bytes_per_hit", KeyType::Count, 0, kU32Max, "16",
            "scratch of one output entry, bytes"},

    KeySpec{"policy.gap", "alpha", KeyType::Count, 1, kU32Max, "15",
            "pull if the frontier's arcs exceed the unchecked arcs divided by this"},
    KeySpec{"policy.gap", "beta", KeyType::Count, 1, kU32Max, "18",
            "keep pulling while the frontier exceeds the vertices divided by this"},
    KeySpec{
        "policy.cugraph", "alpha_divisor_hundredths", KeyType::Count, 1, kU32Max, "375",
        "the frontier's arcs weigh the mean degree divided by this; pull if they exceed the unexplored ones"},
    KeySpec{"policy.cugraph", "beta", KeyType::Count, 0, kU32Max, "24",
            "push again if a shrinking frontier times this is below the unvisited vertices"},
    KeySpec{"policy.gunrock", "do_a_ppm", KeyType::Count, 0, kU32Max, "1000",
            "pull if the forward visits exceed this share of the backward ones"},
    KeySpec{"policy.gunrock", "do_b_ppm", KeyType::Count, 0, kU32Max, "200000",
            "keep pulling while they exceed this share"},
    KeySpec{"policy.gswitch", "bitmap_ratio_ppm", KeyType::Count, 0, kMillion, "60000",
            "share of active vertices above which a push takes a bitmap"},
    KeySpec{"policy.gswitch", "fuse_ratio_ppm", KeyType::Count, 0, kMillion, "1000",
            "share of the arcs left below which levels fuse"},
    KeySpec{"policy.gswitch", "idle_levels", KeyType::Count, 1, 255, "3",
            "levels in a row of little work from which levels fuse"},
    KeySpec{"policy.gswitch", "idle_arcs", KeyType::Count, 0, kU32Max, "3072",
            "arcs below which work is little"},
    KeySpec{"policy.gswitch", "growth_reset", KeyType::Count, 0, kU32Max, "2",
            "growth of the frontier's arcs above which it is not idle"},
    KeySpec{"policy.gswitch", "push_advantage", KeyType::Count, 0, kU32Max, "5",
            "push if the unexplored arcs exceed the frontier's times this"},
    KeySpec{"policy.gswitch", "unfuse_growth", KeyType::Count, 1, kU32Max, "5",
            "a level above the mean of the earlier ones times this ends fusing"},
    KeySpec{"policy.vyre-driver", "warp_sparse_ppm", KeyType::Count, 0, kMillion, "31250",
            "density up to which a frontier is warp-sparse; warp-sparse <= sparse < dense <= block-dense"},
    KeySpec{"policy.vyre-driver", "sparse_ppm", KeyType::Count, 0, kMillion, "125000",
            "density up to which it is sparse"},
    KeySpec{"policy.vyre-driver", "dense_ppm", KeyType::Count, 0, kMillion, "700000",
            "density from which it is dense"},
    KeySpec{"policy.vyre-driver", "block_dense_ppm", KeyType::Count, 0, kMillion, "850000",
            "density from which it is block-dense"},
    KeySpec{"policy.vyre-driver", "density_hysteresis_ppm", KeyType::Count, 0, kMillion, "25000",
            "hold beyond each of them"},
    KeySpec{"policy.vyre-driver", "memory_red_zone_bps", KeyType::Bps, 0, 10'000, "9000",
            "pressure from which a launch is memory-constrained"},
    KeySpec{"policy.vyre-driver", "memory_hysteresis_bps", KeyType::Bps, 0, 10'000, "250", "hold below it"},
    KeySpec{"policy.vyre-driver", "fusion_memory_margin_bps", KeyType::Bps, 0, 10'000, "500",
            "room below it that fusing needs"},
    KeySpec{"policy.vyre-driver", "fusion_output_bytes", KeyType::Count, 0, kU32Max, "4096",
            "output from which fusing pays"},
    KeySpec{"policy.vyre-driver", "warp_sparse_degree_bps", KeyType::Count, 0, kU32Max, "80000",
            "greatest mean degree of a warp-sparse frontier, 10000 is 1"},
    KeySpec{"policy.vyre-driver", "dense_degree_bps", KeyType::Count, 0, kU32Max, "20000",
            "least mean degree of a dense frontier, 10000 is 1"},
    KeySpec{"policy.bandit", "seed", KeyType::Count, 0, std::numeric_limits<std::int64_t>::max(), "1",
            "seed of its exploration"},
    KeySpec{"policy.bandit", "exploration_ppm", KeyType::Count, 0, kMillion, "50000",
            "share of the launches that try a topology at random"},
    KeySpec{"policy.bandit", "horizon", KeyType::Count, 1, kU32Max, "4",
            "launches over which the cost of a switch is spread"},
    KeySpec{"policy.bandit", "window", KeyType::Count, 1, kU32Max, "64",
            "launches that an estimate averages over at most"},
    KeySpec{"policy.arcs", "push_weight_hundredths", KeyType::Count, 1, 100'000, "300",
            "what a pushed arc costs, in hundredths of a pulled one"},
    KeySpec{"policy.arcs", "work_per_lane", KeyType::Count, 1, kU32Max, "1",
            "arcs of a push, or vertices of a pull, for each lane beyond the first group's"},

    KeySpec{"device", "profile", KeyType::Text, 0, 0, "h200",
            "a name that `megabed list devices` shows or of a file in devices/ beside the scenario, or a .toml "
            "file relative to "
            "the scenario"},
    KeySpec{"device", "kernels_cached", KeyType::Flag, 0, 0, "false",
            "whether run-time compiled kernels are on disk already, so that no launch pays for compiling"},
    KeySpec{"device", "requested_worker_groups", KeyType::Count, 1, kU32Max, "multiprocessors x 4",
            "groups asked for"},
    KeySpec{"device", "requested_hit_capacity", KeyType::Count, 1, kU32Max, "derived by the policy",
            "output entries asked for"},
    KeySpec{"device", "expected_hits_per_item", KeyType::Count, 1, kU32Max, "mean degree, rounded up",
            "output entries expected of one queued item"},
    KeySpec{"device", "fuse_max_waves", KeyType::Count, 1, 1024, "4", "waves of one fused launch at most"},

    KeySpec{"memory", "budget", KeyType::Size, 1, kBytesMax, "unbounded", "device bytes that may be used"},
    KeySpec{"memory", "retry_pause", KeyType::Time, 1, kHour, "\"10 us\"",
            "wait after a launch refused for lack of memory"},
    KeySpec{"memory", "retries_max", KeyType::Count, 0, kU32Max, "1000",
            "times in a row that a refused launch is asked again before the run ends"},
    KeySpec{"memory", "bandwidth_of_others_bps", KeyType::Bps, 0, 9999, "0",
            "share of the memory system's rates that co-tenants take all the time"},
    KeySpec{
        "memory.co_tenant", "kind", KeyType::Choice, 0, 0, "ramp",
        "ramp: linear from `from` at `start` to `to` at `end`; allocations: blocks that come and go at random; "
        "spikes: `size` for `length`, again and again; leak: grows from `start` up to `most`",
        "ramp, allocations, spikes, leak"},
    KeySpec{"memory.co_tenant", "start", KeyType::Time, 0, kHour, "0 ns", "of a ramp or a leak"},
    KeySpec{"memory.co_tenant", "end", KeyType::Time, 0, kHour, "0 ns", "of a ramp"},
    KeySpec{"memory.co_tenant", "from", KeyType::Size, 0, kBytesMax, "0", "ramp: bytes held up to `start`"},
    KeySpec{"memory.co_tenant", "to", KeyType::Size, 0, kBytesMax, "none", "ramp: bytes held from `end` on"},
    KeySpec{"memory.co_tenant", "per_second", KeyType::Rate, 0, 0, "none", "allocations, a Poisson process"},
    KeySpec{"memory.co_tenant", "lifetime", KeyType::Time, 1, kHour, "none", "allocations: mean, exponential"},
    KeySpec{"memory.co_tenant", "size", KeyType::Size, 1, kBytesMax, "none",
            "allocations: mean, exponential; spikes: bytes"},
    KeySpec{"memory.co_tenant", "every", KeyType::Time, 1, kHour, "none",
            "spikes: mean time from the start of one to the next, exponential"},
    KeySpec{"memory.co_tenant", "length", KeyType::Time, 1, kHour, "none", "spikes: of each"},
    KeySpec{"memory.co_tenant", "bytes_per_second", KeyType::Rate, 0, 0, "none", "leak: what it grows by"},
    KeySpec{"memory.co_tenant", "most", KeyType::Size, 0, kBytesMax, "none", "leak: where it ends"},

    KeySpec{
        "faults", "signal", KeyType::Choice, 0, 0, kRequired, "the reading that is disturbed",
        "queue-length, hot-opcodes, hot-windows, requeues, priority-age, graph-nodes, graph-edges, density, "
        "pressure, resident-bytes"},
    KeySpec{"faults", "kind", KeyType::Choice, 0, 0, kRequired,
            "drop: no reading, or the last one where there must be one; delay: of `amount` launches ago; "
            "quantise: down to a multiple of `amount`; corrupt: off by up to `amount` either way; reorder: it "
            "arrives after the reading of the next launch",
            "drop, delay, quantise, corrupt, reorder"},
    KeySpec{"faults", "share_bps", KeyType::Bps, 1, 10'000, "10000", "of the launches, at random"},
    KeySpec{"faults", "amount", KeyType::Count, 1, kU32Max, "none", "of delay, quantise and corrupt"},

    KeySpec{"replications", "count", KeyType::Count, 1, 1'000'000, "1, or 10 with a target",
            "times that a run is repeated with other random numbers; `--replications` sets it and count_max"},
    KeySpec{"replications", "count_max", KeyType::Count, 1, 1'000'000, "count, or 1000 with a target",
            "times at most, while the target is not met"},
    KeySpec{"replications", "relative_half_width_bps", KeyType::Bps, 1, 10'000, "no target",
            "target: half-width of the metric's interval, as a share of its mean"},
    KeySpec{"replications", "confidence_bps", KeyType::Bps, 5000, 9999, "9500",
            "how often an interval is to contain the truth"},
    KeySpec{"replications", "metric", KeyType::Choice, 0, 0, "makespan", "what the target is about",
            "makespan, topology_switches, flaps, latency_mean, latency_p50, latency_p99, items_rejected"},

    KeySpec{"run", "name", KeyType::Text, 0, 0, kRequired, "unique in the file; letters, digits, - and _"},
    KeySpec{"run", "graph", KeyType::Text, 0, 0, "none",
            "a graph file relative to the scenario, or a generator SPEC (`megabed list generators`)"},
    KeySpec{"run.bfs", "root", KeyType::Count, 0, kU32Max, "highest degree, lowest id",
            "first vertex, 0-based"},
    KeySpec{"run.sssp", "root", KeyType::Count, 0, kU32Max, "highest degree, lowest id",
            "first vertex, 0-based"},
    KeySpec{"run.sssp", "weight_max", KeyType::Count, 1, 65'535, "255",
            "weights of edges are 1 to this, a function of their ends"},
    KeySpec{"run.sssp", "delta", KeyType::Count, 1, kU32Max, "32", "distances that share a bucket"},
    KeySpec{"run.pagerank", "damping_bps", KeyType::Bps, 0, 9900, "8500",
            "share of a rank that a vertex hands on"},
    KeySpec{"run.pagerank", "tolerance_ppm", KeyType::Count, 1, 1'000'000, "100",
            "a change above this share of one, the mean rank, is handed on"},

    KeySpec{"run.synthetic", "shape", KeyType::Choice, 0, 0, kRequired,
            "how the density moves from wave to wave; recorded: from a file; adversarial: a search finds the "
            "trajectory that is worst for the run's policy",
            "constant, square, sawtooth, random-walk, ornstein-uhlenbeck, recorded, adversarial"},
    KeySpec{"run.synthetic", "vertices", KeyType::Count, 1, kU32Max, kRequired, "of the imagined graph"},
    KeySpec{"run.synthetic", "arcs", KeyType::Count, 1, kU32Max, kRequired,
            "stored arcs of the imagined graph"},
    KeySpec{"run.synthetic", "low_bps", KeyType::Bps, 0, 10'000, "none", "least density; recorded needs none"},
    KeySpec{"run.synthetic", "high_bps", KeyType::Bps, 0, 10'000, "low_bps", "greatest density"},
    KeySpec{"run.synthetic", "period_waves", KeyType::Count, 2, kWavesMax, "2",
            "waves of one square or sawtooth"},
    KeySpec{"run.synthetic", "step_bps", KeyType::Bps, 0, 10'000, "100",
            "largest step of the random walk or the adversary"},
    KeySpec{"run.synthetic", "noise_bps", KeyType::Bps, 0, 10'000, "100",
            "ornstein-uhlenbeck: standard deviation of the noise of one wave"},
    KeySpec{"run.synthetic", "reversion_bps", KeyType::Bps, 0, 10'000, "500",
            "ornstein-uhlenbeck: share of its distance from the middle that it loses in a wave"},
    KeySpec{"run.synthetic", "file", KeyType::Text, 0, 0, "none",
            "recorded: a CSV with a column density_bps, such as launches.csv; repeated until `waves`"},
    KeySpec{"run.synthetic", "goal", KeyType::Choice, 0, 0, "flaps", "adversarial: what it maximises",
            "flaps, regret"},
    KeySpec{"run.synthetic", "search_runs", KeyType::Count, 1, 1'000'000, "2000",
            "adversarial: simulations that the search may spend"},
    KeySpec{"run.synthetic", "waves", KeyType::Count, 1, kWavesMax, kRequired, "waves to run"},
    KeySpec{"run.synthetic", "hot_opcode_count", KeyType::Count, 0, kU32Max, "0", "hot opcodes reported"},
    KeySpec{"run.synthetic", "hot_window_count", KeyType::Count, 0, kU32Max, "0", "hot windows reported"},
    KeySpec{"run.synthetic", "hot_period_waves", KeyType::Count, 0, kWavesMax, "0",
            "hot counts are reported in the first half of each period, and 0 in the second; 0: always"},

    KeySpec{"run.service", "duration", KeyType::Time, 1, kHour, kRequired,
            "tenants publish this long; then the ring drains"},
    KeySpec{"run.service", "warm_up", KeyType::Time, 0, kHour, "0 ns",
            "time averages and latencies leave out what came before"},
    KeySpec{"run.service", "epoch", KeyType::Time, 1, kHour, "\"20 us\"", "longest time between two decisions"},
    KeySpec{"run.service", "item", KeyType::Time, 1, kHour, kRequired, "mean time of one item on one group"},
    KeySpec{"run.service", "item_law", KeyType::Choice, 0, 0, "constant", "uniform: from 0 to twice the mean",
            "constant, exponential, uniform"},
    KeySpec{"run.service", "ring_slots", KeyType::Count, 1, 1 << 26, kRequired,
            "places in the ring; an item holds one from publication until it is done"},
    KeySpec{"run.service", "window_slots", KeyType::Count, 1, 1 << 26, "64",
            "slots of one window; a window is hot when launches in a row claim from it"},
    KeySpec{"run.service", "hot_opcode_share_bps", KeyType::Bps, 1, 10'000, "1000",
            "share of a launch's items from which an opcode is hot"},
    KeySpec{"run.service", "starvation_age", KeyType::Count, 0, kU32Max, "0",
            "launches that an item may wait before it counts as starved; 0: none does"},
    KeySpec{"run.service.tenant", "name", KeyType::Text, 0, 0, kRequired, "a label"},
    KeySpec{"run.service.tenant", "count", KeyType::Count, 1, 100'000'000, "1",
            "tenants of this kind, each with its own random stream"},
    KeySpec{"run.service.tenant", "items_per_second", KeyType::Rate, 0, 0, "none",
            "Poisson arrivals of each, at most 1e9"},
    KeySpec{"run.service.tenant", "burst_items_per_second", KeyType::Rate, 0, 0, "no bursts",
            "rate while a burst lasts"},
    KeySpec{"run.service.tenant", "burst_every", KeyType::Time, 1, kHour, "\"1000 us\"",
            "mean time from the end of a burst to the next"},
    KeySpec{"run.service.tenant", "burst_length", KeyType::Time, 1, kHour, "\"100 us\"",
            "mean length of a burst"},
    KeySpec{"run.service.tenant", "clients", KeyType::Count, 1, 100'000'000, "none",
            "closed loop: each client publishes, waits until its item is done, and thinks"},
    KeySpec{"run.service.tenant", "think", KeyType::Time, 0, kHour, "0 ns", "closed loop: mean, exponential"},
    KeySpec{"run.service.tenant", "trace", KeyType::Text, 0, 0, "none",
            "recorded arrivals: a CSV with the columns time_ns, and if it has them opcode, work_ns"},
    KeySpec{"run.service.tenant", "priority", KeyType::Count, 0, 3, "1", "class; 0 is served first"},
    KeySpec{"run.service.tenant", "quota_items", KeyType::Count, 0, kU32Max, "0",
            "items served a launch, the rest is requeued; 0 is no limit"},
    KeySpec{
        "run.service.tenant", "contended_keys", KeyType::Count, 0, 1 << 24, "0",
        "an item locks one of so many keys while it is worked on, others of that key are requeued; 0: none"},
    KeySpec{"run.service.tenant", "opcode", KeyType::Count, 0, kU32Max, "0", "what its items ask for"},
    KeySpec{"run.service.tenant", "opcode_count", KeyType::Count, 1, 65'536, "1",
            "opcodes from `opcode` on that it asks for, one after the other"},
    KeySpec{"run.service.tenant", "opcode_length", KeyType::Time, 1, kHour, "none",
            "mean time with one opcode, exponential"},
    KeySpec{"run.service.tenant", "item", KeyType::Time, 1, kHour, "the workload's", "mean time of its items"},
    KeySpec{"run.service.tenant", "item_law", KeyType::Choice, 0, 0, "constant", "as above",
            "constant, exponential, uniform"},
    KeySpec{"run.service.tenant", "when_full", KeyType::Choice, 0, 0, "reject",
            "reject: an item is lost while the ring is full; wait: it is held back", "reject, wait"},
    KeySpec{"run.service.tenant.state", "items_per_second", KeyType::Rate, 0, 0, kRequired,
            "Poisson arrivals while the tenant is in this state"},
    KeySpec{"run.service.tenant.state", "length", KeyType::Time, 1, kHour, kRequired,
            "mean time in this state, exponential; then one of the others"},

    KeySpec{"counterexample", "law", KeyType::Text, 0, 0, kRequired,
            "the law that the listed requests break; for `megabed replay`, a run ignores this table"},
    KeySpec{"counterexample", "why", KeyType::Text, 0, 0, kRequired, "how it breaks"},
    KeySpec{"counterexample", "prelude", KeyType::Count, 0, kU32Max, "0",
            "requests at the front that only lead to the state the law starts from"},
    KeySpec{"counterexample", "digest", KeyType::Text, 0, 0, kRequired, "of the decisions along the requests"},
};

/// Of every listed request; the default is the base request of the laws.
void append_request_keys(std::string& text) {
    text +=
        "\n### `[run.requests]`\n\nRequests that are asked one after another as they stand, a launch each, "
        "whatever "
        "became of the one before. These keys hold for all of them; `list = [{queue_len = 1}, {}]` holds one "
        "table of the same keys for each. \"absent\" is a reading that was not taken; a number that leaves 63 "
        "bits is text.\n\n| key | allowed | default |\n|---|---|---|\n";
    for (const RequestField& field : request_fields()) {
        const auto base = field.get(base_request());
        fmt::format_to(std::back_inserter(text), "| `{}` | 0 to {}{} | {} |\n", field.name, field.most,
                       field.optional ? ", \"absent\"" : "",
                       base ? fmt::format("`{}`", *base) : "`\"absent\"`");
    }
}

constexpr std::array kDeviceKeys{
    KeySpec{"", "format", KeyType::Count, 1, 1, kRequired, "version of this format"},
    KeySpec{"", "summary", KeyType::Text, 0, 0, kRequired, "one line for `megabed list devices`"},
    KeySpec{"limits", "multiprocessors", KeyType::Count, 1, 65'535, kRequired, "multiprocessors"},
    KeySpec{"limits", "max_workgroup_size_x", KeyType::Count, 1, kU32Max, kRequired, "lanes a group, in x"},
    KeySpec{"limits", "max_compute_workgroups_per_dimension", KeyType::Count, 1, kU32Max, kRequired,
            "groups in x"},
    KeySpec{"limits", "max_compute_invocations_per_workgroup", KeyType::Count, 1, kU32Max, kRequired,
            "lanes a group"},
    KeySpec{"limits", "resident_lanes_per_multiprocessor", KeyType::Count, 32, 65'535, kRequired,
            "lanes resident at once"},
    KeySpec{"limits", "resident_groups_per_multiprocessor", KeyType::Count, 1, 65'535, kRequired,
            "groups resident at once"},
    KeySpec{"rates", "read_bytes_per_second", KeyType::Rate, 0, 0, kRequired, "streaming reads"},
    KeySpec{"rates", "tickets_per_second", KeyType::Rate, 0, 0, kRequired, "one counter, one ticket a warp"},
    KeySpec{"rates", "saturating_warps", KeyType::Count, 1, kU32Max, kRequired,
            "warps from which bandwidth no longer grows"},
    KeySpec{"rates", "stream_overlap_bps", KeyType::Bps, 0, 10'000, kRequired,
            "how far bytes, gathers and atomics of a wave hide behind the slowest of them"},
    KeySpec{"rates", "item_memory_share_bps", KeyType::Bps, 0, 10'000, kRequired,
            "share of a service item's work that waits for memory and slows down with it"},
    KeySpec{"rates.gather", "footprint", KeyType::Size, 1, kBytesMax, kRequired,
            "bytes roamed over; points ascend"},
    KeySpec{"rates.gather", "per_second", KeyType::Rate, 0, 0, kRequired, "random 4-byte reads"},
    KeySpec{"rates.atomic", "footprint", KeyType::Size, 1, kBytesMax, kRequired,
            "bytes roamed over; points ascend"},
    KeySpec{"rates.atomic", "per_second", KeyType::Rate, 0, 0, kRequired, "random atomics with return"},
    KeySpec{"costs", "relaunch", KeyType::Time, 0, kHour, kRequired, "another group size or kernel variant"},
    KeySpec{"costs", "host_decision", KeyType::Time, 0, kHour, kRequired, "doorbell round trip"},
    KeySpec{"costs", "device_decision", KeyType::Time, 0, kHour, kRequired, "the policy on the device"},
    KeySpec{"costs", "compile", KeyType::Time, 0, kHour, kRequired, "one kernel variant at run time"},
    KeySpec{"costs", "dependent_access", KeyType::Time, 0, kHour, kRequired,
            "offset, column, distance, one after the other"},
    KeySpec{"costs", "warp_step", KeyType::Time, 0, kHour, kRequired, "32 arcs of a vertex that one warp owns"},
    KeySpec{"costs", "interpreter_dispatch", KeyType::Time, 0, kHour, kRequired, "opcode switch of one tile"},
    KeySpec{"costs.barrier", "blocks", KeyType::Count, 1, kU32Max, kRequired, "resident blocks; points ascend"},
    KeySpec{"costs.barrier", "time", KeyType::Time, 1, kHour, kRequired, "one grid-wide barrier"},
    KeySpec{"bytes", "frontier_vertex", KeyType::Size, 0, 4096, kRequired,
            "push: read for each frontier vertex: queue entry, row offsets"},
    KeySpec{"bytes", "queue_entry", KeyType::Size, 0, 4096, kRequired, "push: written for each vertex found"},
    KeySpec{"bytes", "row", KeyType::Size, 0, 4096, kRequired,
            "pull: read for each vertex looked at: row offsets"},
    KeySpec{"waves.decision", "policy", KeyType::Text, 0, 0, kRequired, "as `--policy` takes it"},
    KeySpec{"waves.decision", "general", KeyType::Time, 0, kHour, kRequired,
            "its decision in the kernel that has all policies in it"},
    KeySpec{"waves.decision", "compiled", KeyType::Time, 0, kHour, kRequired,
            "its decision in a kernel that was compiled for the run"},
    KeySpec{"tiles", "tile_items", KeyType::Count, 1, kU32Max, kRequired, "items of one ring slot"},
    KeySpec{"tiles", "heavy_degree", KeyType::Count, 1, kU32Max, "512",
            "vertices from here up are split into edge tiles"},
};

std::string spelling(const KeySpec& spec) {
    if (spec.type == KeyType::Size) {
        return fmt::format("`{0}_bytes`, `{0}`", spec.key);
    }
    if (spec.type == KeyType::Time) {
        return fmt::format("`{0}_ns`, `{0}_us`, `{0}`", spec.key);
    }
    return fmt::format("`{}`", spec.key);
}

std::string heading(std::string_view section) {
    constexpr std::array<std::string_view, 9> kLists{
        "memory.co_tenant",   "faults",       "run",          "run.service.tenant.state",
        "run.service.tenant", "rates.gather", "rates.atomic", "costs.barrier",
        "waves.decision"};
    if (section.empty()) {
        return "Top level";
    }
    for (const std::string_view list : kLists) {
        if (section == list) {
            return fmt::format("`[[{}]]`", section);
        }
    }
    return fmt::format("`[{}]`", section);
}

void append_tables(std::string& text, std::span<const KeySpec> keys) {
    std::string_view section = "none yet";
    for (const KeySpec& spec : keys) {
        if (spec.section != section) {
            section = spec.section;
            fmt::format_to(std::back_inserter(text),
                           "\n### {}\n\n| key | allowed | default | meaning |\n|---|---|---|---|\n",
                           heading(section));
        }
        const bool bare = spec.fallback == kRequired || spec.fallback.find(' ') != std::string_view::npos;
        fmt::format_to(std::back_inserter(text), "| {} | {} | {} | {} |\n", spelling(spec),
                       allowed_values(spec),
                       bare ? std::string(spec.fallback) : fmt::format("`{}`", spec.fallback), spec.meaning);
    }
}

}  // namespace

std::span<const KeySpec> scenario_keys() { return kScenarioKeys; }
std::span<const KeySpec> device_keys() { return kDeviceKeys; }

std::string allowed_values(const KeySpec& spec) {
    switch (spec.type) {
    case KeyType::Text:
        return "text";
    case KeyType::Choice:
        return std::string(spec.allowed);
    case KeyType::Flag:
        return "true, false";
    case KeyType::Count:
        return spec.least == spec.most ? fmt::format("{}", spec.least)
                                       : fmt::format("{} to {}", spec.least, spec.most);
    case KeyType::Bps:
        return fmt::format("{} to {} bps", spec.least, spec.most);
    case KeyType::Size:
        return fmt::format("`_bytes`: {} to {}; bare: text such as \"2 GiB\" (B, KiB, MiB, GiB, TiB)",
                           spec.least, spec.most);
    case KeyType::Time:
        return fmt::format(
            "`_ns`: {} to {}, `_us`: a thousandth of that; bare: text such as \"3 us\" (ns, us, ms, s)",
            spec.least, spec.most);
    case KeyType::Rate:
        return "a number above 0 and at most 1e18, a second";
    }
    return {};
}

std::string allowed_values(const KeySpec& spec, std::string_view spelling) {
    const bool bare = spelling == spec.key;
    if (spec.type == KeyType::Size) {
        return bare ? "text such as \"2 GiB\", with B, KiB, MiB, GiB or TiB"
                    : fmt::format("an integer from {} to {}", spec.least, spec.most);
    }
    if (spec.type == KeyType::Time) {
        const std::int64_t unit = spelling.ends_with("_us") ? 1000 : 1;
        return bare ? fmt::format("text such as \"3 us\", with ns, us, ms or s, from {} to {} ns", spec.least,
                                  spec.most)
                    : fmt::format("an integer from {} to {}", (spec.least + unit - 1) / unit, spec.most / unit);
    }
    if (spec.type == KeyType::Text) {
        return "text that is not empty";
    }
    return allowed_values(spec);
}

std::string keys_as_markdown() {
    std::string text =
        "# Keys of scenario and device files\n\n"
        "Made by `megabed list keys`; do not edit. Files are TOML in ASCII (comments may hold anything). A "
        "scenario holds one or more `[[run]]` "
        "tables; "
        "`[policy]`, `[device]`, `[memory]`, `[[faults]]` and `[replications]` apply to every run, and a run "
        "may "
        "hold tables of "
        "the same names "
        "(`[run.policy]` and so on) whose keys replace the shared ones. `--set policy.name=stateless` replaces "
        "a "
        "key for every run; `--set run.graph=...` reaches a key of the runs themselves. A run holds one of "
        "`[run.bfs]` (the default where there is a graph), `[run.sssp]`, `[run.components]` (which has no "
        "keys), `[run.pagerank]`, `[run.synthetic]`, `[run.service]` and `[run.requests]`. An integer "
        "and "
        "a text with its unit are the same value: `budget_bytes = 2147483648` and `budget = \"2 GiB\"`.\n\n"
        "## Scenario files\n";
    append_tables(text, kScenarioKeys);
    append_request_keys(text);
    text += "\n## Device profiles\n";
    append_tables(text, kDeviceKeys);
    text +=
        "\n### `[waves.KIND.MODE]`\n\nOnly of profiles that `megabed calibrate` wrote: what waves of a "
        "resident megakernel "
        "cost, nanoseconds each (sim/costs/COST_MODEL.md). KIND is `levels`, `distances`, `labels` or `ranks`; "
        "MODE is `block`, "
        "`blocks` or `pull`, for levels `solo` and `skewed_pull` as well; a profile with `[waves]` has all of "
        "them, and a "
        "`[[waves.decision]]` for every policy that was measured. `fitted_to`, at the top level, lists the "
        "runs that the costs "
        "were fitted to. A term that is left out costs nothing.\n\n| key | what is counted |\n|---|---|\n"
        "| `decision_share` | share of the policy's decision that is not hidden |\n";
    for (const WaveTermName& term : wave_term_names()) {
        fmt::format_to(std::back_inserter(text), "| `{}_ns` | {} |\n", term.key, term.meaning);
    }
    text +=
        "\n### `[provenance]`\n\nWhere each figure comes from: for every section above a text, or a table with "
        "a "
        "text for each of its keys. A text begins with `measured`, `data sheet`, `estimate` or `choice`.\n";
    return text;
}

}  // namespace megabed
