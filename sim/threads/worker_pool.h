#pragma once

#include "policy/units.h"
#include "sim/ring/host_atomics.h"
#include "sim/ring/ring_storage.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace megabed {

/// Lets sleeps of the calling thread end within some microseconds of their time, where the system can.
void sleep_precisely();

/// What a handler did with the slot it was given.
enum class TileResult : std::uint8_t {
    Done,
    PutBack,  ///< the handler's words say where to go on
    Failed,
};

/// The code behind a ring's opcodes. Called from every worker at the same time, each with a slot of its own.
class TileHandler {
public:
    TileHandler() = default;
    TileHandler(const TileHandler&) = delete;
    TileHandler& operator=(const TileHandler&) = delete;
    virtual ~TileHandler() = default;
    virtual TileResult run(RingSlot& slot, unsigned worker) = 0;
    [[nodiscard]] virtual std::string_view opcode_name(std::uint32_t opcode) const = 0;
};

/// Called by tests before a worker begins an item: it may sleep; false leaves the item undone for ever.
using ItemHook = std::function<bool(std::uint32_t ticket, unsigned worker)>;

struct WorkerPoolOptions {
    unsigned threads = 1;
    SimTime deadline{};             ///< longest time for one item, and longest time without any progress
    HostAtomics::Hook ring_hook{};  ///< between the ring's steps
    ItemHook item_hook{};
};

/// Resident threads that serve one ring from construction to destruction, and the watchdog over them.
/// One thread, the owner, calls everything but `ring().publish`, which any may call.
class WorkerPool {
public:
    WorkerPool(const RingSize& size, std::shared_ptr<TileHandler> handler, const WorkerPoolOptions& options);
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;
    /// Waits for the workers until the deadline. A thread that is stuck beyond it is left behind; ring and
    /// handler stay until it ends.
    ~WorkerPool();

    [[nodiscard]] HostRing& ring();
    [[nodiscard]] const HostRing& ring() const;
    [[nodiscard]] unsigned threads() const;
    /// Measured, from when the pool was made.
    [[nodiscard]] SimTime now() const;
    [[nodiscard]] std::chrono::steady_clock::time_point start() const;

    /// Lets `workers` workers make up to `claims` claims.
    void open(unsigned workers, std::uint32_t claims);
    /// Publishes and waits while the ring is full. False: the pool has failed, or the item is a bad one.
    /// Requires: nothing is put back, or somebody publishes it again.
    bool publish(const RingItem& item);
    /// Waits until nothing is in flight but what was put back, then closes. False: the pool has failed.
    bool drain();
    /// Lets no claim begin any more and waits for those that have begun. False: the pool has failed.
    bool close();
    /// Looks for stuck items. To be called again and again while waiting. False: the pool has failed.
    bool watch();

    /// The slot that ended the run and why, if one did. It stays; nothing is carried out any more.
    [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }

private:
    struct State;

    bool fail();

    std::shared_ptr<State> state_;
    std::vector<std::thread> workers_;
    std::uint64_t progress_seen_ = 0;
    SimTime progress_time_{};
    std::optional<std::string> failure_;
};

}  // namespace megabed
