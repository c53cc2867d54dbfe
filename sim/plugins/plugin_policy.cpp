#include "sim/plugins/plugin_policy.h"

#include "sim/plugins/plugin_flight.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

namespace megabed {
namespace {

namespace fs = std::filesystem;
constexpr int kBadInput = 2;

megabed_parameters to_c(const LaunchPolicyParameters& parameters) {
    return {parameters.min_hit_capacity,
            parameters.hit_capacity_multiplier,
            parameters.saturated_waves,
            parameters.hot_opcode_threshold,
            parameters.hot_window_threshold,
            parameters.jit_queue_len_threshold,
            parameters.priority_age_threshold,
            parameters.sparse_frontier_threshold.value(),
            parameters.dense_frontier_threshold.value(),
            parameters.memory_pressure_threshold.value(),
            parameters.hysteresis.value(),
            parameters.fusion_edge_threshold,
            parameters.scratch_bytes_per_hit,
            parameters.sizing.dispatch_workgroups_max};
}

void fill(megabed_request& to, const Observation& observation) {
    const LaunchRequest& from = observation.request;
    to = {};
    const auto optional = [&to](const auto& value, std::uint32_t bit, auto& field) {
        if (!value) {
            return;
        }
        to.present |= bit;
        if constexpr (requires { value->value(); }) {
            field = value->value();
        } else {
            field = *value;
        }
    };
    to.queue_len = from.queue_len;
    optional(from.requested_worker_groups, MEGABED_HAS_WORKER_GROUPS, to.requested_worker_groups);
    to.max_workgroup_size_x = from.max_workgroup_size_x;
    to.max_compute_workgroups_per_dimension = from.max_compute_workgroups_per_dimension;
    to.max_compute_invocations_per_workgroup = from.max_compute_invocations_per_workgroup;
    optional(from.requested_hit_capacity, MEGABED_HAS_HIT_CAPACITY, to.requested_hit_capacity);
    to.expected_hits_per_item = from.expected_hits_per_item;
    to.hot_opcode_count = from.hot_opcode_count;
    to.hot_window_count = from.hot_window_count;
    to.max_priority_age = from.max_priority_age;
    optional(from.graph_node_count, MEGABED_HAS_NODES, to.graph_node_count);
    optional(from.graph_edge_count, MEGABED_HAS_EDGES, to.graph_edge_count);
    optional(from.frontier_density, MEGABED_HAS_DENSITY, to.frontier_density_bps);
    optional(from.memory_pressure, MEGABED_HAS_PRESSURE, to.memory_pressure_bps);
    to.requeue_count = from.requeue_count;
    to.resident_device_bytes = from.resident_device_bytes.value();
    optional(from.device_memory_budget, MEGABED_HAS_BUDGET, to.device_memory_budget_bytes);
    if (observation.traversal) {
        to.present |= MEGABED_HAS_TRAVERSAL;
        to.visited_vertices = observation.traversal->visited_vertices;
        to.previous_frontier = observation.traversal->previous_frontier;
        to.pull_ran = observation.traversal->pull_ran ? 1 : 0;
        to.frontier_arcs = observation.traversal->frontier_arcs;
        to.unexplored_arcs = observation.traversal->unexplored_arcs;
    }
}

/// The error that a status stands for, or nothing if it is none.
std::optional<Error> error_of(std::int32_t status) {
    switch (status) {
    case MEGABED_ZERO_ADAPTER_LIMIT:
        return Error{ErrorCode::ZeroAdapterLimit, ErrorField::MaxWorkgroupSizeX, 0, 1};
    case MEGABED_CAPACITY_OVERFLOW:
        return Error{ErrorCode::CapacityOverflow, ErrorField::HitCapacity, 0, 0};
    case MEGABED_OUT_OF_MEMORY:
        return Error{ErrorCode::OutOfMemory, ErrorField::PeakDeviceBytes, 0, 0};
    case MEGABED_INVALID_PARAMETER:
        return Error{ErrorCode::InvalidParameter, ErrorField::Topology, 0, 0};
    case MEGABED_NOT_SUPPORTED:
        return Error{ErrorCode::NotSupported, ErrorField::Topology, 0, 0};
    default:
        return std::nullopt;
    }
}

/// What no decision may hold, if this one does.
std::optional<std::string> nonsense_in(const megabed_decision& decision) {
    const struct {
        const char* name;
        std::uint32_t value;
        std::uint32_t most;
    } choices[] = {
        {"topology", decision.topology, MEGABED_MEMORY},
        {"pressure", decision.pressure, 3},
        {"execution_mode", decision.execution_mode, 1},
        {"promote_hot_opcodes", decision.promote_hot_opcodes, 1},
        {"promote_hot_windows", decision.promote_hot_windows, 1},
        {"age_priority_work", decision.age_priority_work, 1},
        {"reserved", decision.reserved, 0},
    };
    for (const auto& choice : choices) {
        if (choice.value > choice.most) {
            return fmt::format("{} = {}; allowed: 0 to {}", choice.name, choice.value, choice.most);
        }
    }
    return std::nullopt;
}

Decision from_c(const megabed_decision& from, const LaunchRequest& request) {
    Decision decision;
    LaunchRecommendation& answer = decision.recommendation;
    answer.geometry.workgroup_size_x = from.workgroup_size_x;
    answer.geometry.slot_count = SlotCount(from.slot_count);
    answer.geometry.dispatch_grid = {from.dispatch_grid_x, 1, 1};
    answer.worker_groups = from.worker_groups;
    answer.hit_capacity = from.hit_capacity;
    answer.pressure = static_cast<QueuePressure>(from.pressure);
    answer.execution_mode = static_cast<ExecutionMode>(from.execution_mode);
    answer.topology = static_cast<DispatchTopology>(from.topology);
    answer.promote_hot_opcodes = from.promote_hot_opcodes == 1;
    answer.promote_hot_windows = from.promote_hot_windows == 1;
    answer.age_priority_work = from.age_priority_work == 1;
    answer.estimated_peak_device_bytes = Bytes(from.estimated_peak_device_bytes);
    answer.device_memory_budget = request.device_memory_budget;
    std::memcpy(decision.next.words.data(), static_cast<const std::uint64_t*>(from.next.words),
                sizeof from.next.words);
    decision.rule = TopologyRule::Unstated;
    return decision;
}

/// A loaded library. It stays loaded until the process ends.
struct Plugin {
    const megabed_policy_description* description = nullptr;
    PluginFlight* flight = nullptr;
    std::string path;
};

/// Marks a call in the flight recorder for as long as it lasts.
class Call {
public:
    Call(PluginFlight& flight, PluginFlight::Where where) : flight_(flight) {
        flight_.where = where;
        flight_.calls.fetch_add(1);
    }
    ~Call() {
        flight_.calls.fetch_add(1);
        flight_.where = PluginFlight::kNothing;
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

private:
    PluginFlight& flight_;
};

class PluginPolicy final : public Policy {
public:
    PluginPolicy(const Plugin& plugin, const LaunchPolicyParameters& parameters)
        : plugin_(plugin), parameters_(to_c(parameters)) {
        if (plugin_.description->create != nullptr) {
            plugin_.flight->parameters = parameters_;
            const Call call(*plugin_.flight, PluginFlight::kCreating);
            instance_ = plugin_.description->create(&parameters_);
        }
    }
    ~PluginPolicy() override {
        if (plugin_.description->destroy != nullptr) {
            const Call call(*plugin_.flight, PluginFlight::kCreating);
            plugin_.description->destroy(instance_);
        }
    }
    PluginPolicy(const PluginPolicy&) = delete;
    PluginPolicy& operator=(const PluginPolicy&) = delete;

    [[nodiscard]] Result<Decision> recommend(const Observation& observation,
                                             const PolicyState& state) const override {
        PluginFlight& flight = *plugin_.flight;
        fill(flight.request, observation);
        std::memcpy(static_cast<std::uint64_t*>(flight.state.words), state.words.data(),
                    sizeof flight.state.words);
        flight.parameters = parameters_;
        // The library gets copies: what it writes over them is not what gets reported.
        const megabed_request request = flight.request;
        const megabed_state carried = flight.state;
        megabed_decision decision{};
        std::int32_t status = MEGABED_OK;
        {
            const Call call(flight, PluginFlight::kDeciding);
            status = plugin_.description->recommend(instance_, &parameters_, &request, &carried, &decision);
        }
        if (status != MEGABED_OK) {
            const auto error = error_of(status);
            if (!error) {
                refuse_nonsense(fmt::format("status {}; allowed: 0 to {}", status, MEGABED_NOT_SUPPORTED));
            }
            return Failure(*error);
        }
        if (const auto nonsense = nonsense_in(decision)) {
            refuse_nonsense(*nonsense);
        }
        return from_c(decision, observation.request);
    }

private:
    [[noreturn]] void refuse_nonsense(const std::string& what) const {
        (void)std::fflush(stdout);
        const std::string line = fmt::format("megabed: {}: the policy answered with {}, at the request {}\n",
                                             plugin_.path, what, request_text(*plugin_.flight));
        (void)std::fputs(line.c_str(), stderr);
        std::_Exit(kBadInput);
    }

    const Plugin& plugin_;
    megabed_parameters parameters_;
    void* instance_ = nullptr;
};

Refusal refuse(const std::string& library, std::string problem, std::string allowed) {
    return Refusal(InputError{
        .where = library, .line = {}, .key = {}, .problem = std::move(problem), .allowed = std::move(allowed)});
}

Loaded<std::chrono::milliseconds> deadline() {
    constexpr long kStandard = 2000;
    constexpr long kLongest = 3'600'000;
    const char* const chosen = std::getenv("MEGABED_PLUGIN_DEADLINE_MS");
    if (chosen == nullptr) {
        return std::chrono::milliseconds(kStandard);
    }
    const std::string_view text = chosen;
    long value = 0;
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || stop != text.data() + text.size() || value < 1 || value > kLongest) {
        return refuse("MEGABED_PLUGIN_DEADLINE_MS", fmt::format("is {}", printable(text)),
                      fmt::format("1 to {}", kLongest));
    }
    return std::chrono::milliseconds(value);
}

}  // namespace

bool is_plugin_path(std::string_view name) {
    return name.find('/') != std::string_view::npos || name.ends_with(".so");
}

Loaded<std::function<std::unique_ptr<Policy>(const LaunchPolicyParameters&)>> load_plugin(
    const fs::path& path) {
    const std::string library = path.string();
    std::error_code code;
    if (!fs::is_regular_file(path, code)) {
        return refuse(library, code ? code.message() : "is no file",
                      "a shared library that exports megabed_policy");
    }
    static Plugin plugin;  // one a process: the watcher records one flight
    if (plugin.description != nullptr && plugin.path != library) {
        return refuse(library, fmt::format("is a second plug-in after {}", plugin.path), "one plug-in a run");
    }
    if (plugin.description == nullptr) {
        const auto longest = deadline();
        if (!longest) {
            return Refusal(longest.error());
        }
        const auto flight = enter_watched_child(library, *longest);
        if (!flight) {
            return Refusal(flight.error());
        }
        plugin.flight = *flight;
        plugin.path = library;
        const Call call(*plugin.flight, PluginFlight::kLoading);
        void* const handle = dlopen(fs::absolute(path).c_str(), RTLD_NOW | RTLD_LOCAL);
        if (handle == nullptr) {
            return refuse(library, fmt::format("cannot be loaded: {}", dlerror()),
                          "a shared library that exports megabed_policy");
        }
        void* const symbol = dlsym(handle, "megabed_policy");
        if (symbol == nullptr) {
            return refuse(library, "has no symbol megabed_policy", "see policy/plugin_abi.h");
        }
        using Describe = const megabed_policy_description* (*)();
        const auto* const description = reinterpret_cast<Describe>(symbol)();
        if (description == nullptr) {
            return refuse(library, "megabed_policy returned null", "a description");
        }
        if (description->abi_version != MEGABED_POLICY_ABI_VERSION) {
            return refuse(
                library,
                fmt::format("is built for version {} of the policy interface", description->abi_version),
                fmt::format("version {}", MEGABED_POLICY_ABI_VERSION));
        }
        if (description->size != sizeof(megabed_policy_description) || description->recommend == nullptr) {
            return refuse(library,
                          description->recommend == nullptr
                              ? std::string("its description has no recommend")
                              : fmt::format("its description has {} bytes", description->size),
                          fmt::format("{} bytes and a recommend", sizeof(megabed_policy_description)));
        }
        plugin.description = description;
    }
    return [](const LaunchPolicyParameters& parameters) -> std::unique_ptr<Policy> {
        return std::make_unique<PluginPolicy>(plugin, parameters);
    };
}

}  // namespace megabed
