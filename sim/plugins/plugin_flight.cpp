#include "sim/plugins/plugin_flight.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <new>
#include <string_view>
#include <system_error>
#include <thread>

namespace megabed {
namespace {

constexpr int kBadInput = 2;

std::string place_text(const PluginFlight& flight) {
    switch (flight.where) {
    case PluginFlight::kLoading:
        return "while it was loaded";
    case PluginFlight::kCreating:
        return "in create";
    case PluginFlight::kDeciding:
        return "in recommend, at the request " + request_text(flight);
    default:
        return "outside a call";
    }
}

[[noreturn]] void report_and_exit(const std::string& library, const std::string& what,
                                  const PluginFlight& flight) {
    const std::string line = fmt::format("megabed: {}: the policy {} {}\n", library, what, place_text(flight));
    (void)std::fputs(line.c_str(), stderr);
    std::_Exit(kBadInput);
}

pid_t watched_child = 0;

extern "C" void pass_signal_on(int signal) {
    if (watched_child > 0) {
        (void)kill(watched_child, signal);
    }
}

[[noreturn]] void watch(pid_t child, const std::string& library, std::chrono::milliseconds deadline,
                        const PluginFlight& flight) {
    using Clock = std::chrono::steady_clock;
    watched_child = child;
    (void)std::signal(SIGINT, SIG_IGN);  // the terminal sends it to the child too, which stops cleanly
    (void)std::signal(SIGTERM, pass_signal_on);
    std::uint64_t seen = 0;
    Clock::time_point since = Clock::now();
    while (true) {
        int status = 0;
        const pid_t done = waitpid(child, &status, WNOHANG);
        if (done == child && WIFEXITED(status)) {
            if (flight.calls.load() % 2 == 1) {
                report_and_exit(library, fmt::format("ended the process (status {})", WEXITSTATUS(status)),
                                flight);
            }
            std::_Exit(WEXITSTATUS(status));
        }
        if (done == child && WIFSIGNALED(status)) {
            const int signal = WTERMSIG(status);
            const bool ended_by_others =
                signal == SIGTERM || signal == SIGINT || signal == SIGPIPE || signal == SIGKILL;
            if (flight.calls.load() % 2 == 0 && ended_by_others) {
                std::_Exit(128 + signal);
            }
            report_and_exit(library, fmt::format("crashed ({})", strsignal(signal)), flight);
        }
        const std::uint64_t calls = flight.calls.load();
        if (calls != seen || calls % 2 == 0) {
            seen = calls;
            since = Clock::now();
        } else if (Clock::now() - since > deadline) {
            (void)kill(child, SIGKILL);
            (void)waitpid(child, &status, 0);
            report_and_exit(library, fmt::format("did not answer within {} ms", deadline.count()), flight);
        }
        constexpr std::chrono::milliseconds kPause{5};
        std::this_thread::sleep_for(kPause);
    }
}

}  // namespace

std::string request_text(const PluginFlight& flight) {
    const megabed_request& request = flight.request;
    std::string text;
    const auto field = [&](std::string_view name, std::uint64_t value) {
        fmt::format_to(std::back_inserter(text), "{}{} = {}", text.empty() ? "" : ", ", name, value);
    };
    const auto optional = [&](std::uint32_t bit, std::string_view name, std::uint64_t value) {
        if ((request.present & bit) != 0) {
            field(name, value);
        }
    };
    field("queue_len", request.queue_len);
    optional(MEGABED_HAS_WORKER_GROUPS, "requested_worker_groups", request.requested_worker_groups);
    field("max_workgroup_size_x", request.max_workgroup_size_x);
    field("max_compute_workgroups_per_dimension", request.max_compute_workgroups_per_dimension);
    field("max_compute_invocations_per_workgroup", request.max_compute_invocations_per_workgroup);
    optional(MEGABED_HAS_HIT_CAPACITY, "requested_hit_capacity", request.requested_hit_capacity);
    field("expected_hits_per_item", request.expected_hits_per_item);
    field("hot_opcode_count", request.hot_opcode_count);
    field("hot_window_count", request.hot_window_count);
    field("requeue_count", request.requeue_count);
    field("max_priority_age", request.max_priority_age);
    optional(MEGABED_HAS_NODES, "graph_node_count", request.graph_node_count);
    optional(MEGABED_HAS_EDGES, "graph_edge_count", request.graph_edge_count);
    optional(MEGABED_HAS_DENSITY, "frontier_density_bps", request.frontier_density_bps);
    optional(MEGABED_HAS_PRESSURE, "memory_pressure_bps", request.memory_pressure_bps);
    field("resident_device_bytes", request.resident_device_bytes);
    optional(MEGABED_HAS_BUDGET, "device_memory_budget_bytes", request.device_memory_budget_bytes);
    const auto& words = flight.state.words;
    fmt::format_to(std::back_inserter(text), "; state {:x} {:x} {:x}", words[0], words[1], words[2]);
    return text;
}

Loaded<PluginFlight*> enter_watched_child(const std::string& library, std::chrono::milliseconds deadline) {
    const auto cannot_watch = [&] {
        return Refusal(InputError{.where = library,
                                  .line = {},
                                  .key = {},
                                  .problem = fmt::format("cannot be run in a process of its own: {}",
                                                         std::generic_category().message(errno)),
                                  .allowed = {}});
    };
    void* const memory =
        mmap(nullptr, sizeof(PluginFlight), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return cannot_watch();
    }
    auto* const flight = new (memory) PluginFlight;
    (void)std::fflush(nullptr);
    const pid_t child = fork();
    if (child < 0) {
        return cannot_watch();
    }
    if (child > 0) {
        watch(child, library, deadline, *flight);
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);  // no orphan if the watcher is killed
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
        (void)std::signal(fault, SIG_DFL);  // the watcher reports them; a sanitizer would first
    }
    return flight;
}

}  // namespace megabed
