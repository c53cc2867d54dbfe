#include "properties/conformance.h"

#include "policy/autotune.h"
#include "policy/natural_gradient.h"
#include "policy/priority_diffusion.h"
#include "policy/requeue_accounting.h"
#include "policy/sizing.h"

#include <fmt/format.h>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

namespace megabed {
namespace {

const std::vector<std::string_view> kTopologies{"Empty",         "SparseFrontier", "HybridFrontier",
                                                "DenseFrontier", "FusedDense",     "MemoryConstrained"};
const std::vector<std::string_view> kPressures{"Empty", "Light", "Balanced", "Saturated"};
const std::vector<std::string_view> kModes{"Interpreter", "Jit"};
const std::vector<std::string_view> kOutcomes{"ok", "oom", "error", "panic"};
enum Outcome : std::size_t { kOk, kOutOfMemory, kError, kPanic };

bool same_bits(double left, double right) {
    return (std::isnan(left) && std::isnan(right)) ||
           std::bit_cast<std::uint64_t>(left) == std::bit_cast<std::uint64_t>(right);
}

bool same_bits(const std::vector<double>& left, const std::vector<double>& right) {
    if (left.size() != right.size()) {
        return false;
    }
    for (std::size_t at = 0; at < left.size(); ++at) {
        if (!same_bits(left[at], right[at])) {
            return false;
        }
    }
    return true;
}

/// Absence is 0 in golden rows; the policy must answer an absent optional and an explicit 0 alike, so rows use
/// the optional form where the cell is 0 and `row_line` is even.
template <class Value, class Number>
std::optional<Value> optional_of(Number number, bool explicit_zero) {
    return number == 0 && !explicit_zero ? std::nullopt : std::optional<Value>(Value(number));
}

std::optional<DispatchTopology> previous_of(GoldenRow& row) {
    const auto index = row.choice("previous_topology", kTopologies);
    return index ? std::optional(static_cast<DispatchTopology>(*index)) : std::nullopt;
}

LaunchRequest request_of(GoldenRow& row) {
    const bool explicit_zero = row.line() % 2 == 1;
    LaunchRequest request;
    request.queue_len = row.u32("queue_len");
    request.requested_worker_groups =
        optional_of<std::uint32_t>(row.u32("requested_worker_groups"), explicit_zero);
    request.max_workgroup_size_x = row.u32("max_workgroup_size_x");
    request.max_compute_workgroups_per_dimension = row.u32("max_compute_workgroups_per_dimension");
    request.max_compute_invocations_per_workgroup = row.u32("max_compute_invocations_per_workgroup");
    request.requested_hit_capacity =
        optional_of<std::uint32_t>(row.u32("requested_hit_capacity"), explicit_zero);
    request.expected_hits_per_item = row.u32("expected_hits_per_item");
    request.hot_opcode_count = row.u32("hot_opcode_count");
    request.hot_window_count = row.u32("hot_window_count");
    request.requeue_count = row.u64("requeue_count");
    request.max_priority_age = row.u32("max_priority_age");
    request.graph_node_count = optional_of<std::uint32_t>(row.u32("graph_node_count"), explicit_zero);
    request.graph_edge_count = optional_of<std::uint32_t>(row.u32("graph_edge_count"), explicit_zero);
    request.frontier_density = optional_of<BasisPoints>(row.u16("frontier_density_bps"), explicit_zero);
    request.memory_pressure = optional_of<BasisPoints>(row.u16("memory_pressure_bps"), explicit_zero);
    request.resident_device_bytes = Bytes(row.u64("resident_device_bytes"));
    request.device_memory_budget = optional_of<Bytes>(row.u64("device_memory_budget_bytes"), explicit_zero);
    return request;
}

LaunchPolicyParameters parameters_of(GoldenRow& row) {
    LaunchPolicyParameters parameters;
    parameters.min_hit_capacity = row.u32("min_hit_capacity");
    parameters.hit_capacity_multiplier = row.u32("hit_capacity_multiplier");
    parameters.saturated_waves = row.u32("saturated_waves");
    parameters.hot_opcode_threshold = row.u32("hot_opcode_threshold");
    parameters.hot_window_threshold = row.u32("hot_window_threshold");
    parameters.jit_queue_len_threshold = row.u32("jit_queue_len_threshold");
    parameters.priority_age_threshold = row.u32("priority_age_threshold");
    parameters.sparse_frontier_threshold = BasisPoints(row.u16("sparse_frontier_threshold_bps"));
    parameters.dense_frontier_threshold = BasisPoints(row.u16("dense_frontier_threshold_bps"));
    parameters.memory_pressure_threshold = BasisPoints(row.u16("memory_pressure_threshold_bps"));
    parameters.fusion_edge_threshold = row.u32("fusion_edge_threshold");
    parameters.scratch_bytes_per_hit = row.u32("scratch_bytes_per_hit");
    return parameters;
}

using Answer = Result<reference::Answer>;

/// Outcome and every output of a `launch` row against an answer.
bool launch_matches(GoldenRow& row, const Answer& answer) {
    const std::size_t outcome = row.choice("outcome", kOutcomes).value_or(kError);
    if (outcome == kOk) {
        if (!answer) {
            return false;
        }
        LaunchRecommendation expected;
        expected.geometry.workgroup_size_x = row.u32("rec.geometry.workgroup_size_x");
        expected.geometry.slot_count = SlotCount(row.u32("rec.geometry.slot_count"));
        expected.geometry.dispatch_grid = {row.u32("rec.geometry.dispatch_grid.x"),
                                           row.u32("rec.geometry.dispatch_grid.y"),
                                           row.u32("rec.geometry.dispatch_grid.z")};
        expected.worker_groups = row.u32("rec.worker_groups");
        expected.hit_capacity = row.u32("rec.hit_capacity");
        expected.pressure = static_cast<QueuePressure>(row.choice("rec.pressure", kPressures).value_or(0));
        expected.execution_mode =
            static_cast<ExecutionMode>(row.choice("rec.execution_mode", kModes).value_or(0));
        expected.topology = static_cast<DispatchTopology>(row.choice("rec.topology", kTopologies).value_or(0));
        expected.promote_hot_opcodes = row.flag("rec.promote_hot_opcodes");
        expected.promote_hot_windows = row.flag("rec.promote_hot_windows");
        expected.age_priority_work = row.flag("rec.age_priority_work");
        expected.estimated_peak_device_bytes = Bytes(row.u64("rec.estimated_peak_device_bytes"));
        const std::uint64_t budget = row.u64("rec.device_memory_budget_bytes");
        expected.device_memory_budget = budget == 0 ? std::nullopt : std::optional(Bytes(budget));
        return answer->recommendation == expected;
    }
    if (answer) {
        return false;
    }
    if (outcome == kOutOfMemory) {
        return answer.error() == Error{ErrorCode::OutOfMemory, ErrorField::PeakDeviceBytes,
                                       row.u64("oom.requested"), row.u64("oom.available")};
    }
    return answer.error().code != ErrorCode::OutOfMemory;
}

bool sequence_matches(GoldenRow& row, const Answer& answer) {
    const std::size_t outcome = row.choice("outcome", kOutcomes).value_or(kError);
    if (outcome != kOk) {
        return !answer && (answer.error().code == ErrorCode::OutOfMemory) == (outcome == kOutOfMemory);
    }
    const auto topology = static_cast<DispatchTopology>(row.choice("topology", kTopologies).value_or(0));
    const std::uint32_t groups = row.u32("worker_groups");
    const std::uint32_t capacity = row.u32("hit_capacity");
    const std::uint32_t lanes = row.u32("workgroup_size_x");
    return answer && answer->recommendation.topology == topology &&
           answer->recommendation.worker_groups == groups && answer->recommendation.hit_capacity == capacity &&
           answer->recommendation.geometry.workgroup_size_x == lanes;
}

/// Walks a file; a check says whether one row agrees.
class Checker {
public:
    explicit Checker(GoldenFile file) : file_(std::move(file)) { report_.file = file_.reader().name(); }

    using RowCheck = std::function<bool(GoldenRow&)>;

    Loaded<ConformanceReport> every_row(std::string kind, const RowCheck& agrees) {
        report_.kind = std::move(kind);
        while (true) {
            auto row = file_.next();
            if (!row) {
                return Refusal(row.error());
            }
            if (!*row) {
                return finished();
            }
            const bool matches = agrees(**row);
            if ((*row)->error()) {
                return Refusal(*(*row)->error());
            }
            count(matches, (*row)->line());
        }
    }

    /// Rows in batches: all questions of a batch are answered together, as a device wants it.
    Loaded<ConformanceReport> in_batches(std::string kind, bool sequence, const ConformanceTarget& target) {
        report_.kind = std::move(kind);
        constexpr std::size_t kBatch = 4096;
        while (true) {
            std::vector<GoldenRow> rows;
            std::vector<PolicyCase> cases;
            std::vector<std::uint64_t> lines;
            while (rows.size() < kBatch) {
                auto row = file_.next();
                if (!row) {
                    return Refusal(row.error());
                }
                if (!*row) {
                    break;
                }
                rows.push_back(**std::move(row));
                lines.push_back(rows.back().line());
                cases.push_back({sequence ? LaunchPolicyParameters::standard() : parameters_of(rows.back()),
                                 request_of(rows.back()), previous_of(rows.back())});
                if (rows.back().error()) {
                    return Refusal(*rows.back().error());
                }
            }
            if (rows.empty()) {
                return finished();
            }
            const auto answers = target.answer(cases);
            if (!answers) {
                return Refusal(answers.error());
            }
            for (std::size_t at = 0; at < rows.size(); ++at) {
                const Answer& answer = (*answers)[at];
                const bool matches = sequence ? sequence_matches(rows[at], answer) &&
                                                    carried(rows[at], cases[at].previous, answer)
                                              : launch_matches(rows[at], answer);
                if (rows[at].error()) {
                    return Refusal(*rows[at].error());
                }
                count(matches, lines[at]);
            }
        }
    }

private:
    /// Whether the row's previous topology is the one that our own answers lead to.
    bool carried(GoldenRow& row, std::optional<DispatchTopology> previous, const Answer& answer) {
        const std::uint64_t sequence = row.u64("sequence_id");
        if (sequence != sequence_) {
            sequence_ = sequence;
            carried_ = std::nullopt;
        }
        const bool agrees = carried_ == previous;
        if (answer) {
            carried_ = answer->recommendation.topology;
        }
        return agrees;
    }

    /// A file without a row proves nothing.
    [[nodiscard]] Loaded<ConformanceReport> finished() const {
        if (report_.rows == 0) {
            return file_.reader().refuse_file("holds no row", "rows below the header");
        }
        return report_;
    }

    void count(bool matches, std::uint64_t line) {
        constexpr std::size_t kExamples = 3;
        ++report_.rows;
        if (!matches) {
            ++report_.mismatches;
            if (report_.examples.size() < kExamples) {
                report_.examples.push_back(
                    fmt::format("{}:{}: the {} row differs", report_.file, line, report_.kind));
            }
        }
    }

    GoldenFile file_;
    ConformanceReport report_;
    std::optional<std::uint64_t> sequence_;
    std::optional<DispatchTopology> carried_;
};

bool cache_row_agrees(AnswerCache& cache, const ConformanceTarget& target, GoldenRow& row) {
    const std::size_t op = row.choice("op", {"recommend", "reset"}).value_or(1);
    bool matches = true;
    if (op == 1) {
        cache.clear();
    } else {
        LaunchPolicyParameters parameters;
        parameters.min_hit_capacity = row.u32("min_hit_capacity");
        const LaunchRequest request = LaunchRequest::direct(
            row.u32("queue_len"), row.u32("requested_worker_groups"), row.u32("max_workgroup_size_x"));
        const auto previous = previous_of(row);
        const auto answer = cache.recommend(parameters, request, previous);
        const PolicyCase question{parameters, request, previous};
        const auto uncached = target.answer(std::span(&question, 1));
        const bool ok = row.choice("outcome", kOutcomes).value_or(kError) == kOk;
        matches = answer.has_value() == ok && uncached && answer == uncached->front();
    }
    const LaunchCacheStats expected{row.u64("entries"), row.u64("hits"), row.u64("misses")};
    return cache.stats() == expected && matches;
}

bool requeue_row_agrees(GoldenRow& row) {
    const PriorityRequeueAccounting before{row.u64("requeue_count"), row.u64("aged_promotions"),
                                           row.u32("max_priority_age")};
    PriorityRequeueAccounting after = before;
    const bool promotion = row.choice("op", {"record_requeue", "record_aged_promotion"}).value_or(0) == 1;
    const std::uint32_t age = row.u32("age_ticks");
    const auto error = promotion ? after.record_aged_promotion(age) : after.record_requeue(age);
    if (row.choice("outcome", kOutcomes).value_or(kError) != kOk) {
        return error && after == before;
    }
    return !error &&
           after == PriorityRequeueAccounting{row.u64("new_requeue_count"), row.u64("new_aged_promotions"),
                                              row.u32("new_max_priority_age")};
}

bool grid_row_agrees(GoldenRow& row) {
    const auto plan = calculate_optimal_grid(
        SizingPolicy{}, {row.u32("queue_len"), row.u32("requested_worker_groups")},
        {row.u32("max_workgroup_size_x"), row.u32("max_compute_workgroups_per_dimension"),
         row.u32("max_compute_invocations_per_workgroup")});
    if (row.choice("outcome", kOutcomes).value_or(kError) != kOk) {
        return !plan;
    }
    return plan && plan->workgroup_size_x == row.u32("geometry.workgroup_size_x") &&
           plan->slot_count == row.u32("geometry.slot_count") &&
           plan->dispatch_grid_x == row.u32("geometry.dispatch_grid.x") &&
           row.u32("geometry.dispatch_grid.y") == 1 && row.u32("geometry.dispatch_grid.z") == 1 &&
           plan->worker_groups == row.u32("worker_groups");
}

/// A kind of file: the columns that no other kind has together, and the check of one row.
struct Kind {
    std::string_view name;
    std::vector<std::string_view> columns;
    Checker::RowCheck agrees;  ///< empty for kinds that are answered in batches
};

const std::vector<std::string_view> kRequestColumns{"queue_len",
                                                    "requested_worker_groups",
                                                    "max_workgroup_size_x",
                                                    "max_compute_workgroups_per_dimension",
                                                    "max_compute_invocations_per_workgroup",
                                                    "requested_hit_capacity",
                                                    "expected_hits_per_item",
                                                    "hot_opcode_count",
                                                    "hot_window_count",
                                                    "requeue_count",
                                                    "max_priority_age",
                                                    "graph_node_count",
                                                    "graph_edge_count",
                                                    "frontier_density_bps",
                                                    "memory_pressure_bps",
                                                    "resident_device_bytes",
                                                    "device_memory_budget_bytes",
                                                    "previous_topology",
                                                    "outcome"};

std::vector<std::string_view> request_columns_and(std::initializer_list<std::string_view> more) {
    std::vector<std::string_view> columns = kRequestColumns;
    columns.insert(columns.end(), more);
    return columns;
}

std::vector<Kind> all_kinds(const ConformanceTarget& target) {
    std::vector<Kind> kinds;
    kinds.push_back({"launch",
                     request_columns_and({"min_hit_capacity",
                                          "hit_capacity_multiplier",
                                          "saturated_waves",
                                          "hot_opcode_threshold",
                                          "hot_window_threshold",
                                          "jit_queue_len_threshold",
                                          "priority_age_threshold",
                                          "sparse_frontier_threshold_bps",
                                          "dense_frontier_threshold_bps",
                                          "memory_pressure_threshold_bps",
                                          "fusion_edge_threshold",
                                          "scratch_bytes_per_hit",
                                          "rec.geometry.workgroup_size_x",
                                          "rec.geometry.slot_count",
                                          "rec.geometry.dispatch_grid.x",
                                          "rec.geometry.dispatch_grid.y",
                                          "rec.geometry.dispatch_grid.z",
                                          "rec.worker_groups",
                                          "rec.hit_capacity",
                                          "rec.pressure",
                                          "rec.execution_mode",
                                          "rec.topology",
                                          "rec.promote_hot_opcodes",
                                          "rec.promote_hot_windows",
                                          "rec.age_priority_work",
                                          "rec.estimated_peak_device_bytes",
                                          "rec.device_memory_budget_bytes",
                                          "oom.requested",
                                          "oom.available"}),
                     {}});
    kinds.push_back({"sequence",
                     request_columns_and({"sequence_id", "step", "topology", "worker_groups", "hit_capacity",
                                          "workgroup_size_x"}),
                     {}});
    kinds.push_back({"cache",
                     {"op", "queue_len", "requested_worker_groups", "max_workgroup_size_x", "min_hit_capacity",
                      "previous_topology", "outcome", "entries", "hits", "misses"},
                     [&target, cache = std::shared_ptr<AnswerCache>(
                                   target.make_cache == nullptr ? nullptr : target.make_cache())](
                         GoldenRow& row) { return cache_row_agrees(*cache, target, row); }});
    kinds.push_back({"requeue_accounting",
                     {"op", "requeue_count", "aged_promotions", "max_priority_age", "age_ticks", "outcome",
                      "new_requeue_count", "new_aged_promotions", "new_max_priority_age"},
                     requeue_row_agrees});
    kinds.push_back({"calculate_optimal_grid",
                     {"queue_len", "requested_worker_groups", "max_workgroup_size_x",
                      "max_compute_workgroups_per_dimension", "max_compute_invocations_per_workgroup",
                      "outcome", "geometry.workgroup_size_x", "geometry.slot_count", "geometry.dispatch_grid.x",
                      "geometry.dispatch_grid.y", "geometry.dispatch_grid.z", "worker_groups"},
                     grid_row_agrees});
    kinds.push_back(
        {"default_worker_groups_from_limits",
         {"max_compute_workgroups_per_dimension", "max_compute_invocations_per_workgroup", "result"},
         [](GoldenRow& row) {
             return default_worker_groups_from_limits(
                        SizingPolicy{}, row.u32("max_compute_workgroups_per_dimension"),
                        row.u32("max_compute_invocations_per_workgroup")) == row.u32("result");
         }});
    kinds.push_back(
        {"worker_workgroup_size", {"worker_count", "max_workgroup_size_x", "result"}, [](GoldenRow& row) {
             return worker_workgroup_size(row.u32("worker_count"), row.u32("max_workgroup_size_x")) ==
                    row.u32("result");
         }});
    kinds.push_back({"padded_slot_count", {"slot_count", "workgroup_size_x", "result"}, [](GoldenRow& row) {
                         return padded_slot_count(row.u32("slot_count"), row.u32("workgroup_size_x")) ==
                                row.u32("result");
                     }});
    kinds.push_back({"dispatch_grid_for",
                     {"worker_count", "queue_len", "max_workgroup_size_x", "x", "y", "z"},
                     [](GoldenRow& row) {
                         return dispatch_grid_x_for(SizingPolicy{}, row.u32("worker_count"),
                                                    row.u32("queue_len"),
                                                    row.u32("max_workgroup_size_x")) == row.u32("x") &&
                                row.u32("y") == 1 && row.u32("z") == 1;
                     }});
    kinds.push_back({"diffuse_priority",
                     {"priority_stalks", "restriction_diag", "damping", "iterations", "output"},
                     [](GoldenRow& row) {
                         return same_bits(
                             diffuse_priority(row.reals("priority_stalks"), row.reals("restriction_diag"),
                                              row.real("damping"), row.u32("iterations")),
                             row.reals("output"));
                     }});
    kinds.push_back(
        {"natural_gradient_step", {"n", "learning_rate", "m_inv_sqrt", "grad", "output"}, [](GoldenRow& row) {
             return same_bits(natural_gradient_step(row.reals("m_inv_sqrt"), row.reals("grad"), row.u32("n"),
                                                    row.real("learning_rate")),
                              row.reals("output"));
         }});
    kinds.push_back({"autotune_hit_capacity_multiplier",
                     {"policy_hit_capacity_multiplier", "candidate_multipliers", "costs", "result"},
                     [](GoldenRow& row) {
                         return autotune_hit_capacity_multiplier(
                                    row.counts("candidate_multipliers"), row.reals("costs"),
                                    row.u32("policy_hit_capacity_multiplier")) == row.u32("result");
                     }});
    kinds.push_back(
        {"autotune_workgroup_size", {"current_size", "candidate_sizes", "costs", "result"}, [](GoldenRow& row) {
             return autotune_workgroup_size(row.counts("candidate_sizes"), row.reals("costs"),
                                            row.u32("current_size")) == row.u32("result");
         }});
    return kinds;
}

}  // namespace

ConformanceTarget reference_on_host() {
    const auto answer = [](std::span<const PolicyCase> questions) -> Loaded<std::vector<Answer>> {
        std::vector<Answer> answers;
        answers.reserve(questions.size());
        for (const PolicyCase& question : questions) {
            answers.push_back(reference::recommend(question.parameters, question.request, question.previous));
        }
        return answers;
    };
    return {answer, reference_parts().make_cache};
}

ConformanceTarget reference_on_device() { return {recommend_on_device, nullptr}; }

Loaded<ConformanceReport> check_conformance(GoldenFile file, const ConformanceTarget& target) {
    std::vector<std::string_view> names;
    for (const Kind& kind : all_kinds(target)) {
        names.push_back(kind.name);
        if (!file.has_columns(kind.columns)) {
            continue;
        }
        const bool in_batches = !kind.agrees;
        if (target.make_cache == nullptr && !in_batches) {
            return file.reader().refuse_file(fmt::format("holds {} rows", kind.name),
                                             "launch and sequence rows on the device");
        }
        Checker checker(std::move(file));
        const std::string name(kind.name);
        return in_batches ? checker.in_batches(name, name == "sequence", target)
                          : checker.every_row(name, kind.agrees);
    }
    return file.reader().refuse("the header is that of no golden file", listed(names));
}

Loaded<ConformanceReport> check_conformance(const std::filesystem::path& path,
                                            const ConformanceTarget& target) {
    auto file = GoldenFile::open(path);
    if (!file) {
        return Refusal(file.error());
    }
    return check_conformance(*std::move(file), target);
}

}  // namespace megabed
