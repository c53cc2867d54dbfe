#include "scenarios/run_reader.h"

#include "policy/registry.h"
#include "scenarios/catalog.h"
#include "scenarios/device_loader.h"
#include "scenarios/disturbance_reader.h"
#include "scenarios/field_rule_reader.h"
#include "scenarios/request_toml.h"
#include "scenarios/service_reader.h"
#include "scenarios/synthetic_reader.h"
#include "scenarios/workload_tables.h"
#include "sim/graphs/graph_source.h"
#include "sim/hindsight.h"
#include "sim/plugins/plugin_policy.h"
#include "sim/replicate.h"

#include <fmt/format.h>
#include <algorithm>
#include <cctype>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace megabed {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPathShown = 1000;

/// Reads the sections of one run into a Scenario.
class RunReader {
public:
    RunReader(RunTables tables, fs::path folder, FirstError& errors)
        : tables_(tables), folder_(std::move(folder)), errors_(errors) {}

    Scenario read() {
        Scenario scenario;
        scenario.file = tables_.source();
        SectionReader run(scenario_keys(), "run", tables_.run(), errors_);
        read_name(run, scenario);
        read_graph(run, scenario);
        std::vector<std::string_view> tables{"policy", "device", "memory", "faults", "replications"};
        tables.insert(tables.end(), kWorkloadTables.begin(), kWorkloadTables.end());
        run.refuse_unknown(tables);
        read_policy(scenario);
        read_device(scenario);
        read_memory(tables_, scenario, errors_);
        read_faults(tables_, scenario, errors_);
        read_workload(run, scenario);
        read_replications(scenario);
        return scenario;
    }

private:
    static void read_name(SectionReader& run, Scenario& scenario) {
        scenario.name = run.text("name").value_or("");
        const bool plain = std::all_of(scenario.name.begin(), scenario.name.end(), [](unsigned char symbol) {
            return std::isalnum(symbol) != 0 || symbol == '-' || symbol == '_';
        });
        constexpr std::size_t kLongest = 64;
        if (!plain || scenario.name.size() > kLongest) {
            run.refuse("name", fmt::format("is {}", printable(scenario.name)),
                       "at most 64 letters, digits, - and _");
        }
    }

    void read_graph(SectionReader& run, Scenario& scenario) {
        const auto graph = run.text("graph");
        if (!graph) {
            return;
        }
        const bool file = !is_generator_spec(*graph);
        scenario.graph = file ? (folder_ / *graph).lexically_normal().string() : *graph;
        std::error_code code;
        const bool spec_like = graph->find(':') != std::string::npos && graph->find('=') != std::string::npos;
        if (file && !spec_like && !fs::exists(scenario.graph, code)) {
            run.refuse("graph", fmt::format("{} does not exist", printable(scenario.graph, kPathShown)),
                       "a graph file relative to the scenario, or a generator SPEC");
        }
    }

    void read_policy(Scenario& scenario) {
        SectionReader policy(scenario_keys(), "policy", tables_.shared("policy"), errors_);
        LaunchPolicyParameters& parameters = scenario.parameters;
        scenario.policy = policy.text("name").value_or(scenario.policy);
        scenario.decide =
            policy.text("decide").value_or("device") == "host" ? DecisionPlace::Host : DecisionPlace::Device;
        const auto count = [&](std::string_view key, std::uint32_t& value) {
            value = policy.u32(key).value_or(value);
        };
        count("min_hit_capacity", parameters.min_hit_capacity);
        count("hit_capacity_multiplier", parameters.hit_capacity_multiplier);
        count("saturated_waves", parameters.saturated_waves);
        count("hot_opcode_threshold", parameters.hot_opcode_threshold);
        count("hot_window_threshold", parameters.hot_window_threshold);
        count("jit_queue_len_threshold", parameters.jit_queue_len_threshold);
        count("priority_age_threshold", parameters.priority_age_threshold);
        read_thresholds(policy, parameters);
        count("fusion_edge_threshold", parameters.fusion_edge_threshold);
        count("scratch_bytes_per_hit", parameters.scratch_bytes_per_hit);
        policy.refuse_unknown(field_rule_sections());
        read_field_rules(tables_.shared("policy"), parameters.field, errors_);
        read_policy_name(policy, scenario);
    }

    /// The hysteresis, and the thresholds in what it leaves of their ranges (law O6).
    void read_thresholds(SectionReader& policy, LaunchPolicyParameters& parameters) {
        const auto width_given = policy.bps("hysteresis_bps");
        parameters.hysteresis = width_given.value_or(parameters.hysteresis);
        const int width = parameters.hysteresis.value();
        const auto given = [&](std::string_view word) {
            return width_given ? fmt::format(" {} a hysteresis of {}", word, width) : "";
        };
        const std::string why = given("with");
        constexpr int kWhole = kWholeBps;
        const auto sparse_given =
            policy.bps("sparse_frontier_threshold_bps", width + 1, kWhole - 3 * width - 2, why);
        const auto dense_given =
            policy.bps("dense_frontier_threshold_bps", 3 * width + 2, kWhole - width - 1, why);
        const auto pressure_given = policy.bps("memory_pressure_threshold_bps", width + 1, kWhole, why);
        parameters.sparse_frontier_threshold = sparse_given.value_or(parameters.sparse_frontier_threshold);
        parameters.dense_frontier_threshold = dense_given.value_or(parameters.dense_frontier_threshold);
        parameters.memory_pressure_threshold = pressure_given.value_or(parameters.memory_pressure_threshold);

        // What is left to refuse is a key against the default of another, or the two thresholds' bands.
        const int sparse = parameters.sparse_frontier_threshold.value();
        const int dense = parameters.dense_frontier_threshold.value();
        if (sparse <= width) {
            policy.refuse("hysteresis_bps", fmt::format("is {} with a sparse threshold of {}", width, sparse),
                          fmt::format("at most {}", sparse - 1));
        } else if (dense < 3 * width + 2) {
            policy.refuse("hysteresis_bps", fmt::format("is {} with a dense threshold of {}", width, dense),
                          fmt::format("at most {}", (dense - 2) / 3));
        } else if (sparse + 2 * width >= dense && dense_given) {
            policy.refuse("dense_frontier_threshold_bps",
                          fmt::format("is {} with a sparse threshold of {}{}: their bands meet", dense, sparse,
                                      given("and")),
                          fmt::format("at least {}", sparse + 2 * width + 1));
        } else if (sparse + 2 * width >= dense) {
            policy.refuse("sparse_frontier_threshold_bps",
                          fmt::format("is {} with a dense threshold of {}{}: their bands meet", sparse, dense,
                                      given("and")),
                          fmt::format("at most {}", dense - 2 * width - 1));
        }
    }

    /// A plug-in is loaded when the run starts; here only its file must be there.
    void read_policy_name(SectionReader& policy, Scenario& scenario) {
        std::vector<std::string_view> names;
        for (const PolicyRow& row : registered_policies()) {
            names.push_back(row.name);
        }
        names.push_back(kHindsightPolicy);
        if (is_plugin_path(scenario.policy)) {
            std::error_code code;
            const fs::path beside = folder_ / scenario.policy;
            scenario.policy = fs::exists(beside, code) ? beside.lexically_normal().string() : scenario.policy;
            scenario.decide = DecisionPlace::Host;
            if (!fs::exists(scenario.policy, code)) {
                policy.refuse("name", fmt::format("{} does not exist", printable(scenario.policy, kPathShown)),
                              listed(names) + ", or the path of a plug-in");
            }
        } else if (std::find(names.begin(), names.end(), scenario.policy) == names.end()) {
            const auto guess = nearest(scenario.policy, names);
            policy.refuse(
                "name",
                guess ? fmt::format("{} is no policy; did you mean {}?", printable(scenario.policy), *guess)
                      : fmt::format("{} is no policy", printable(scenario.policy)),
                listed(names));
        }
    }

    /// A .toml file relative to the scenario; a name is looked up in devices/ beside the scenario, then in the
    /// catalog's, so that a copy of the catalog anywhere is complete.
    [[nodiscard]] fs::path profile_path(const std::string& profile) const {
        if (profile.ends_with(".toml")) {
            return folder_ / profile;
        }
        const fs::path beside = folder_ / "devices" / (profile + ".toml");
        std::error_code code;
        return fs::exists(beside, code) ? beside : catalog_directory() / "devices" / (profile + ".toml");
    }

    void read_device(Scenario& scenario) {
        SectionReader device(scenario_keys(), "device", tables_.shared("device"), errors_);
        const std::string profile = device.text("profile").value_or("h200");
        scenario.kernels_cached = device.flag("kernels_cached").value_or(false);
        scenario.requested_worker_groups = device.u32("requested_worker_groups");
        scenario.requested_hit_capacity = device.u32("requested_hit_capacity");
        scenario.expected_hits_per_item = device.u32("expected_hits_per_item");
        scenario.fuse_waves_max = device.u32("fuse_max_waves").value_or(scenario.fuse_waves_max);
        device.refuse_unknown();

        const fs::path path = profile_path(profile);
        std::error_code code;
        if (!fs::exists(path, code)) {
            std::string known;
            if (const auto devices = list_devices()) {
                for (const CatalogEntry& entry : *devices) {
                    known += entry.name + ", ";
                }
            }
            device.refuse("profile", fmt::format("{} is no device profile", printable(profile)),
                          known + "or a .toml file relative to the scenario");
            return;
        }
        auto loaded = load_device(path);
        if (!loaded) {
            errors_.report(loaded.error());
            return;
        }
        scenario.device = *std::move(loaded);
    }

    void read_workload(SectionReader& run, Scenario& scenario) {
        std::vector<std::string_view> given;
        for (const std::string_view kind : kWorkloadTables) {
            const toml::node* const node = tables_.run_table().get(kind);
            if (node == nullptr) {
                continue;
            }
            given.push_back(kind);
            if (!node->is_table()) {
                errors_.report({.where = std::string(tables_.source()),
                                .line = node->source().begin.line,
                                .key = fmt::format("run.{}", kind),
                                .problem = fmt::format("is {}", as_written(*node)),
                                .allowed = "a table"});
            }
        }
        if (given.size() > 1 || (given.empty() && scenario.graph.empty())) {
            run.refuse("name",
                       fmt::format("the run {} has {} workloads", printable(scenario.name), given.size()),
                       fmt::format("one of {}; a graph alone means bfs", listed_workload_tables()));
            return;
        }
        const std::string_view kind = given.empty() ? "bfs" : given[0];
        const auto traversal = traversal_kind(kind);
        if (traversal) {
            read_traversal(*traversal, kind, run, scenario);
        } else if (kind == "synthetic") {
            scenario.workload = read_synthetic(tables_, folder_, errors_);
        } else if (kind == "service") {
            scenario.workload = read_service(tables_, folder_, errors_);
        } else {
            read_request_list(scenario);
        }
        if (!traversal && !scenario.graph.empty()) {
            run.refuse("graph", fmt::format("a {} workload has no graph", kind), "no graph");
        }
    }

    static std::optional<TraversalKind> traversal_kind(std::string_view table) {
        if (table == "bfs") {
            return TraversalKind::BreadthFirst;
        }
        if (table == "sssp") {
            return TraversalKind::ShortestPaths;
        }
        if (table == "components") {
            return TraversalKind::Components;
        }
        return table == "pagerank" ? std::optional(TraversalKind::PageRank) : std::nullopt;
    }

    void read_traversal(TraversalKind kind, std::string_view table, SectionReader& run, Scenario& scenario) {
        const std::string section = fmt::format("run.{}", table);
        SectionReader keys(scenario_keys(), section, tables_.own(table), errors_);
        TraversalSettings settings;
        settings.kind = kind;
        if (kind == TraversalKind::BreadthFirst || kind == TraversalKind::ShortestPaths) {
            settings.root = keys.u32("root");
        }
        if (kind == TraversalKind::ShortestPaths) {
            settings.weight_max = keys.u32("weight_max").value_or(settings.weight_max);
            settings.delta = keys.u32("delta").value_or(settings.delta);
        }
        if (kind == TraversalKind::PageRank) {
            settings.damping_bps =
                static_cast<std::uint32_t>(keys.integer("damping_bps").value_or(settings.damping_bps));
            settings.tolerance_ppm = keys.u32("tolerance_ppm").value_or(settings.tolerance_ppm);
        }
        scenario.workload = TraversalWorkload{settings};
        keys.refuse_unknown();
        if (scenario.graph.empty()) {
            run.refuse("graph", "is missing", "a graph file or a generator SPEC");
        }
    }

    void read_replications(Scenario& scenario) {
        SectionReader keys(scenario_keys(), "replications", tables_.shared("replications"), errors_);
        constexpr std::uint32_t kWithTarget = 10;
        constexpr std::uint32_t kMostWithTarget = 1000;
        ReplicationSettings& settings = scenario.replications;
        const auto target = keys.bps("relative_half_width_bps");
        settings.relative_half_width = target.value_or(BasisPoints(0));
        const auto count = keys.u32("count");
        const auto count_max = keys.u32("count_max");
        settings.count = count.value_or(target ? std::min(kWithTarget, count_max.value_or(kWithTarget)) : 1);
        settings.count_max =
            count_max.value_or(target ? std::max(kMostWithTarget, settings.count) : settings.count);
        settings.confidence = keys.bps("confidence_bps").value_or(settings.confidence);
        const std::string metric = keys.text("metric").value_or("makespan");
        keys.refuse_unknown();
        for (const MetricRow& row : metric_rows()) {
            if (row.name == metric) {
                settings.metric = row.metric;
            }
        }
        if (settings.count_max < settings.count) {
            keys.refuse("count_max", fmt::format("is {}, below count", settings.count_max),
                        fmt::format("{} to 1000000", settings.count));
        } else if (settings.count_max > settings.count && !target) {
            keys.refuse("count_max",
                        fmt::format("is {}, and nothing says when to stop before", settings.count_max),
                        "count, or a target in relative_half_width_bps too");
        } else if (target && settings.count == 1 && settings.count_max > 1) {
            keys.refuse("count", "is 1: one replication has no interval to compare with the target",
                        "2 to 1000000");
        }
        if (metric_rows()[static_cast<std::size_t>(settings.metric)].of_service &&
            !std::holds_alternative<ServiceWorkload>(scenario.workload)) {
            keys.refuse("metric", fmt::format("is {}, and the run {} serves no items", metric, scenario.name),
                        "a metric of every run, or [run.replications] for the services alone");
        }
    }

    void read_request_list(Scenario& scenario) {
        RequestsWorkload workload;
        for (const Layer& layer : tables_.own("requests")) {
            if (layer.table != nullptr && !layer.has_lines) {
                errors_.report({.where = std::string(layer.source),
                                .line = {},
                                .key = "run.requests",
                                .problem = "cannot be set",
                                .allowed = "requests stand in the file"});
            } else if (layer.table != nullptr) {
                workload.requests = read_requests(*layer.table, layer.source, "run.requests", errors_);
            }
        }
        scenario.workload = std::move(workload);
    }

    RunTables tables_;
    fs::path folder_;
    FirstError& errors_;
};

}  // namespace

Scenario read_run(const RunTables& tables, const fs::path& folder, FirstError& errors) {
    return RunReader(tables, folder, errors).read();
}

}  // namespace megabed
