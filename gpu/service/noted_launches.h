#pragma once

#include "gpu/service/mail_inlet.h"
#include "gpu/service/service_engine.h"
#include "sim/launch_record.h"
#include "sim/scenario.h"
#include "sim/threads/publisher_thread.h"

#include <cstdint>
#include <optional>
#include <string>

namespace megabed {

/// The host's side of launches that the device decides: lets it decide, hands out what it notes, one launch at
/// a time, and holds each against the decision of the host's own policy. Between two notes the host does what
/// only it can: it makes publishers wait, tells the clocks apart, starts the kernel anew for other groups.
class NotedLaunches {
public:
    /// `lanes`: of the groups at first. Requires: the engine's plan has rules; all outlive this.
    NotedLaunches(const ServiceWorkload& workload, SimTime deadline, std::uint32_t lanes, ServiceEngine& engine,
                  MailInlet& inlet, PublisherThread& publishers)
        : workload_(workload),
          deadline_(deadline),
          lanes_(lanes),
          engine_(engine),
          inlet_(inlet),
          publishers_(publishers) {}

    /// The work is done, and every launch was handed out.
    [[nodiscard]] bool done() const { return ended_ && !note_; }
    /// What the device read before the launch that is handed out next. Waits for it the first time.
    [[nodiscard]] ServiceReadings observe();
    /// Hands the launch out, and waits for the next one, so that `done` is known.
    [[nodiscard]] LaunchOutcome launch(const LaunchRecommendation& recommendation);
    /// The device decides no more, until the next launch is waited for.
    void halt();

    /// Where device and host differ, or what else the host cannot go on with.
    [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }
    /// Of the last launch that was handed out, if a fault ended it.
    [[nodiscard]] const std::optional<FaultRecord>& fault() const { return fault_; }
    /// Handed out so far.
    [[nodiscard]] std::uint64_t launches() const { return launches_; }
    /// From when the device began to decide until it had decided, of all launches together.
    [[nodiscard]] SimTime deciding() const { return SimTime(static_cast<std::int64_t>(deciding_ns_)); }

private:
    void await();
    bool let_decide();
    [[nodiscard]] bool finished() const;

    const ServiceWorkload& workload_;
    SimTime deadline_;
    std::uint32_t lanes_;
    ServiceEngine& engine_;
    MailInlet& inlet_;
    PublisherThread& publishers_;
    std::optional<ServiceNote> note_{};  ///< to be handed out next
    bool decides_ = false;               ///< the device, until a note says that it has stopped
    bool ended_ = false;
    std::uint64_t launches_ = 0;
    std::uint64_t deciding_ns_ = 0;
    std::optional<std::string> failure_{};
    std::optional<FaultRecord> fault_{};
};

}  // namespace megabed
