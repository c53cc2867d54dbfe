#include "gpu/service/noted_launches.h"

#include <fmt/format.h>
#include <chrono>

namespace megabed {
namespace {

/// Asking for the stream takes as long as the answer to a ping.
constexpr SimTime kAskEvery(500'000);

std::string differs(const LaunchRecommendation& device, const LaunchRecommendation& host) {
    const auto text = [](const LaunchRecommendation& of) {
        return fmt::format("{} and {} groups of {} lanes with {} slots", to_string(of.topology),
                           of.geometry.dispatch_grid[0], of.geometry.workgroup_size_x,
                           of.geometry.slot_count.value());
    };
    return fmt::format("device and host decide differently: {}, {}", text(device), text(host));
}

}  // namespace

bool NotedLaunches::finished() const {
    return publishers_.finished() && inlet_.in_flight() == 0 && inlet_.now() >= workload_.duration;
}

bool NotedLaunches::let_decide() {
    ServiceOrder order;
    order.kind = ServiceCommand::Decide;
    order.end = inlet_.on_device(workload_.duration);
    order.warm_up = inlet_.on_device(workload_.warm_up);
    decides_ = engine_.run_with(lanes_) && engine_.give(order, deadline_).has_value();
    return decides_;
}

void NotedLaunches::halt() {
    if (!decides_) {
        return;
    }
    // Its groups finish what they are at, within the deadline or as faults.
    const SimTime patience = SimTime(3 * deadline_.value()) + SimTime(1'000'000'000);
    (void)engine_.give({.kind = ServiceCommand::Halt}, patience);
    decides_ = false;
}

void NotedLaunches::await() {
    SimTime asked = inlet_.now();
    while (!note_ && !ended_ && !engine_.failed() && !failure_) {
        publishers_.hold(engine_.held());
        note_ = engine_.next_note();
        if (note_) {
            decides_ = decides_ && note_->kind == NoteKind::Launch;
            if (note_->kind == NoteKind::Relaunch) {
                lanes_ = note_->recommendation.geometry.workgroup_size_x;
                note_.reset();
                if (!let_decide()) {
                    return;
                }
            }
            continue;
        }
        if (!decides_) {
            ended_ = finished();
            if (!ended_ && !let_decide()) {
                return;
            }
            continue;
        }
        if (finished()) {
            halt();  // what it has noted by then is read above
            continue;
        }
        if (!inlet_.align_now_and_then()) {
            return;
        }
        if (inlet_.now() - asked > kAskEvery) {
            asked = inlet_.now();
            engine_.still_runs();
        }
    }
}

ServiceReadings NotedLaunches::observe() {
    await();
    if (!note_) {
        return {};  // at the end, or nothing can be carried out any more
    }
    const ServiceReadings readings = note_->readings;
    if (note_->kind == NoteKind::Refused) {
        note_.reset();  // the host's policy says why; the device is asked again at the next launch
    }
    return readings;
}

LaunchOutcome NotedLaunches::launch(const LaunchRecommendation& recommendation) {
    LaunchOutcome outcome;
    outcome.start = inlet_.now();
    if (!note_) {
        if (!ended_ && !engine_.failed()) {
            failure_ = "the device refused what the host decides";
        }
        return outcome;
    }
    const ServiceNote note = *note_;
    note_.reset();
    ++launches_;
    deciding_ns_ += note.decided_ns - note.start_ns;
    if (note.recommendation != recommendation) {
        failure_ = differs(note.recommendation, recommendation);
    }
    if (note.kind == NoteKind::Fault) {
        fault_ = note.fault;
    }
    outcome.start = inlet_.on_host(note.start_ns);
    outcome.duration = SimTime(static_cast<std::int64_t>(note.end_ns - note.start_ns));
    outcome.granted_groups = note.granted_groups;
    outcome.waves = 1;
    outcome.items = note.items;
    if (!failure_ && !fault_) {
        await();
    }
    return outcome;
}

}  // namespace megabed
