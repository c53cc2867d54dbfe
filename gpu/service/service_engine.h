#pragma once

#include "gpu/memory/device_pool.h"
#include "gpu/memory/mapped_memory.h"
#include "gpu/ring/device_ring.h"
#include "gpu/service/service_layout.h"
#include "sim/ring/ring_storage.h"
#include "sim/statistics/histogram.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace megabed {

/// What a service is made of.
struct ServicePlan {
    std::uint32_t slots = 1;
    std::uint32_t locks = 0;
    std::uint32_t starvation_epochs = 0;
    std::uint32_t window_slots = 0;
    std::uint32_t hot_share = 0;                                 ///< basis points
    std::uint32_t entries = 1;                                   ///< of the list of tenants
    std::uint32_t notices = 0;                                   ///< publishers that may wait for a notice
    std::vector<std::uint32_t> entry_of{0};                      ///< of each tenant
    std::vector<std::uint32_t> quotas{0};                        ///< of each tenant
    std::vector<ServiceHandler> handlers{ServiceHandler::Spin};  ///< of each opcode
    SimTime deadline{};
    std::optional<DecisionRules> rules{};  ///< absent: the host decides every launch
};

/// What the host says with a command.
struct ServiceOrder {
    ServiceCommand kind = ServiceCommand::Ping;
    std::uint32_t workers = 1;
    std::uint32_t claims = 0;
    std::uint32_t lift_age = 0;  ///< 1 + age from which on items are lifted; 0: none is
    std::uint64_t end = 0;       ///< in the device's clock; of a Decide: the tenants' end
    std::uint64_t warm_up = 0;   ///< likewise
};

/// What the device says to it.
struct ServiceAnswer {
    std::uint32_t word[kMailWords] = {};
    [[nodiscard]] std::uint64_t clock() const {
        return std::uint64_t{word[kAnswerClockHigh]} << 32 | word[kAnswerClockLow];
    }
};

/// What was counted on the device.
struct ServiceCounts {
    std::vector<TenantControl> tenants;
    std::vector<Histogram> latencies;  ///< of each entry
    WorkerTally sum;
    RingControl control;
};

/// The resident kernel, its memory and its mail, as the host holds them. No thread of its own: one thread gives
/// orders, one sends items, one looks for notices; they may be the same.
class ServiceEngine {
public:
    /// Everything on the device comes from the pool. Errors: Unavailable: no device, or no memory for a ring of
    /// this size.
    [[nodiscard]] static Loaded<std::unique_ptr<ServiceEngine>> make(const ServicePlan& plan, DevicePool& pool);
    ServiceEngine(const ServiceEngine&) = delete;
    ServiceEngine& operator=(const ServiceEngine&) = delete;
    /// Ends the kernel, whatever it is at, within the deadline.
    ~ServiceEngine();

    // ---- the kernel ----

    /// Groups of `lanes` lanes that can be resident. Lanes count in whole warps.
    [[nodiscard]] Loaded<std::uint32_t> groups_max(std::uint32_t lanes) const;
    /// Lets the kernel run with groups of `lanes` lanes; starts it anew where it runs with another number.
    /// False: see `failure`.
    bool run_with(std::uint32_t lanes);
    /// Ends the kernel and keeps everything, until `run_with`. Nothing else may wait for the device (cudaFree,
    /// loading a module) while it runs. False: see `failure`.
    bool park();
    [[nodiscard]] bool runs() const { return lanes_ != 0; }
    [[nodiscard]] std::uint64_t starts() const { return starts_; }

    /// Sends an order and waits for its answer until `patience` is over, in measured time. Absent: see
    /// `failure`. Requires: `runs()`.
    std::optional<ServiceAnswer> give(const ServiceOrder& order, SimTime patience);

    /// Why nothing can be carried out any more, if so.
    [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }
    /// As above, for any thread.
    [[nodiscard]] bool failed() const { return failed_.load(std::memory_order_acquire); }
    /// The kernel could only be ended together with the context: this process cannot use CUDA any more
    /// (`cuda_usable`).
    [[nodiscard]] bool context_lost() const { return context_lost_; }
    /// Ends the kernel after a failure: politely, and if that does not help within the deadline, by a trap.
    void abort();

    // ---- items ----

    /// False: the inbox is full.
    bool send(const RingItem& item, ItemRoute route);
    /// Items sent so far.
    [[nodiscard]] std::uint64_t sent() const;
    /// Items that the device has said are done; their slots are free.
    [[nodiscard]] std::uint64_t done() const;
    /// The publisher of the next item done that was waited for, if there is one.
    [[nodiscard]] std::optional<std::uint32_t> next_notice();

    // ---- launches that the device decides ----

    /// The next note, if there is one. Requires: the plan has rules.
    [[nodiscard]] std::optional<ServiceNote> next_note();
    /// Whether publishers are to wait, by the device's last decision.
    [[nodiscard]] bool held() const;
    /// What others hold on the device. One thread at a time.
    void set_co_tenant_bytes(std::uint64_t bytes);
    /// For one who waits for notes and gives no orders: notices a kernel that has ended. False: see `failure`.
    bool still_runs();

    // ---- results ----

    /// Errors: Unavailable, in CUDA's words. Requires: no order is being carried out.
    [[nodiscard]] Loaded<ServiceCounts> counts() const;
    [[nodiscard]] const RingView& ring() const { return ring_.view(); }
    /// All of the ring, into one of the same size. Requires: as above.
    [[nodiscard]] Loaded<void> read_ring(RingStorage& into) const { return ring_.read(into); }
    [[nodiscard]] const RingSize& ring_size() const { return size_; }

private:
    ServiceEngine() = default;
    [[nodiscard]] Loaded<void> set_up(const ServicePlan& plan, DevicePool& pool);
    [[nodiscard]] Loaded<void> fill_tables();
    void write_bell(const ServiceOrder& order);
    [[nodiscard]] bool read_answer(ServiceAnswer& answer) const;
    /// Whether the kernel's stream is empty; sets the failure if it broke down.
    bool ended();
    bool wait_until_ended(SimTime patience);
    void fail(std::string why);

    RingSize size_;
    ServicePlan plan_;
    DeviceRingStorage ring_;
    DeviceBlock tables_;
    MappedMemory mapped_;
    ServiceMail mail_{};  ///< as the host addresses it
    ServiceState state_{};
    void* stream_ = nullptr;   ///< the kernel's
    std::uint32_t lanes_ = 0;  ///< of the running kernel; 0: none
    std::uint32_t command_ = 0;
    std::uint64_t starts_ = 0;
    std::uint64_t sent_ = 0;
    std::uint64_t noticed_[kNoticeBoxes] = {};
    std::uint64_t notes_read_ = 0;
    bool aborted_ = false;
    bool context_lost_ = false;
    std::optional<std::string> failure_;
    std::atomic<bool> failed_ = false;
};

}  // namespace megabed
