#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace megabed {

/// What a slot is going through; sim/ring/PROTOCOL.md says who may change it.
enum class SlotState : std::uint32_t {
    Empty,      ///< free: its index is in the free queue
    Published,  ///< holds an item that waits to be claimed
    Claimed,    ///< a worker has it
    Done,       ///< the item is finished and about to be counted
    Requeue,    ///< the item was put back; its index is in the deferred queue
    Fault,      ///< taken out of circulation; the ring's fault record says why
};

/// A slot's state and how often the slot has been published: a late compare-exchange on an earlier item fails.
struct SlotStatus {
    static constexpr unsigned kStateBits = 3;
    std::uint32_t word = 0;

    [[nodiscard]] static constexpr SlotStatus of(SlotState state, std::uint32_t generation) {
        return {generation << kStateBits | static_cast<std::uint32_t>(state)};
    }
    [[nodiscard]] constexpr SlotState state() const {
        return static_cast<SlotState>(word & ((1U << kStateBits) - 1));
    }
    [[nodiscard]] constexpr std::uint32_t generation() const { return word >> kStateBits; }
    [[nodiscard]] constexpr SlotStatus with(SlotState state) const { return of(state, generation()); }
};
static_assert(SlotStatus::of(SlotState::Fault, 7).generation() == 7);
static_assert(SlotStatus::of(SlotState::Fault, 7).with(SlotState::Empty).state() == SlotState::Empty);

inline constexpr std::uint32_t kArgumentWords = 12;

/// The last argument words of a slot belong to the protocol, the others to the opcode's handler.
enum ArgumentWord : std::uint32_t {
    kHandlerWords = 8,   ///< words 0 to 7 are the handler's
    kArgTicket = 8,      ///< which publication this is, counted from 0, modulo 2^32
    kArgPutBack = 9,     ///< times the item was put back
    kArgLock = 10,       ///< 0: none; else 1 + index of the lock that the item needs
    kArgBornEpoch = 11,  ///< epoch in which it was published first
};

/// One tile of work: a cache line that host and device read alike.
struct alignas(64) RingSlot {
    std::uint32_t status = 0;  ///< a SlotStatus
    std::uint32_t opcode = 0;
    std::uint32_t tenant = 0;
    std::uint32_t priority = 0;  ///< class, 0 is served first
    std::array<std::uint32_t, kArgumentWords> argument{};
};
static_assert(sizeof(RingSlot) == 64 && std::is_trivially_copyable_v<RingSlot>);
static_assert(offsetof(RingSlot, argument) == 16);

/// Index queues: one for every priority class, one for items put back, one for free slots.
inline constexpr std::uint32_t kRingClasses = 4;
inline constexpr std::uint32_t kDeferredQueue = kRingClasses;
inline constexpr std::uint32_t kFreeQueue = kRingClasses + 1;
inline constexpr std::uint32_t kRingQueues = kRingClasses + 2;

/// Tickets of one index queue, each on a line of its own.
struct QueueTickets {
    alignas(64) std::uint64_t head = 0;  ///< next ticket to be popped
    alignas(64) std::uint64_t tail = 0;  ///< next ticket to be pushed
    alignas(64) std::int64_t items = 0;  ///< pushed and promised to nobody; below 0 while somebody gives back
};
static_assert(sizeof(QueueTickets) == 192);

/// Places between two steps of the protocol where somebody else may come in between.
enum class RingPoint : std::uint8_t {
    BeforePublish,  ///< a slot is taken and in flight, its item not written
    BeforePush,     ///< the item is published, its index in no queue
    BeforePop,      ///< there are entries, their tickets not yet taken
    AfterPop,       ///< indices were popped, their slots not yet claimed
    BeforeDone,     ///< the work is finished, the slot not marked
    BeforeCount,    ///< the slot is marked, nothing counted
    BeforeFree,     ///< counted, the slot not yet free
    BeforeDefer,    ///< marked as put back, its index in no queue
};

/// What a tenant may have and has had.
struct alignas(64) TenantControl {
    std::uint32_t quota = 0;  ///< items claimed in an epoch; 0: no limit
    std::uint32_t taken = 0;  ///< of them, in this epoch
    std::uint64_t published = 0;
    std::uint64_t done = 0;
    std::uint64_t requeued = 0;
    std::uint64_t faulted = 0;  ///< items whose slot is or was in Fault
    std::uint64_t starved = 0;  ///< items first claimed to run later than `starvation_epochs`
};
static_assert(sizeof(TenantControl) == 64);

/// Why a slot was taken out of circulation.
enum class FaultReason : std::uint32_t {
    None,
    UnknownOpcode,
    UnknownTenant,
    UnknownLock,
    BadIndex,       ///< a queue held the index of no slot, or of a slot that was not published
    StuckWorker,    ///< claimed and not finished within the deadline
    NeverClaimed,   ///< published and not claimed within the deadline
    HandlerFailed,  ///< the handler said so
    UnknownClass,
};

/// The slot of a fault whose item never got into one.
inline constexpr std::uint32_t kNoSlot = 0xffff'ffff;

/// The first fault, copied so that it can be named whatever becomes of the slot.
struct FaultRecord {
    std::uint32_t reason = 0;  ///< a FaultReason, stored last
    std::uint32_t slot = 0;
    std::uint32_t opcode = 0;
    std::uint32_t tenant = 0;
    std::uint32_t ticket = 0;
    std::uint32_t writer = 0;  ///< 1 once somebody fills this record
};

/// What one worker is at: the watchdog reads it.
struct alignas(64) WorkerRecord {
    std::uint64_t since = 0;  ///< when it began, in the caller's clock
    std::uint64_t item = 0;   ///< 0: nothing; else slot << 32 | status word as claimed, which is not 0
};

/// Control words. Those that different parties write at the same time have lines of their own.
struct RingControl {
    alignas(64) std::uint32_t shutdown = 0;
    std::uint32_t epoch = 0;
    std::uint32_t workers_wanted = 0;          ///< workers of a lower index take part
    std::uint32_t starvation_epochs = 0;       ///< 0: not counted
    alignas(64) std::uint32_t gate = 0;        ///< top bit: claims are open; below: workers inside
    alignas(64) std::int32_t claims_left = 0;  ///< below 0 while somebody gives back
    alignas(64) std::uint64_t in_flight = 0;   ///< published and not done, faulted items included
    alignas(64) std::uint64_t done = 0;
    alignas(64) std::uint64_t published = 0;
    alignas(64) std::uint64_t claimed = 0;
    alignas(64) std::uint64_t requeued = 0;
    std::uint32_t requeued_age_max = 0;  ///< epochs since the item was published
    alignas(64) std::uint64_t faults = 0;
    FaultRecord first_fault{};
    std::array<QueueTickets, kRingQueues> queues{};
};

/// Where everything lies. Plain pointers, so that it can be passed to a kernel.
struct RingView {
    RingControl* control = nullptr;
    RingSlot* slots = nullptr;
    std::uint64_t* cells = nullptr;  ///< kRingQueues x 2^capacity_log2: turn in the top half, slot below
    TenantControl* tenants = nullptr;
    std::uint64_t* done_by_opcode = nullptr;
    std::uint32_t* locks = nullptr;  ///< 0: free; else 1 + slot of the holder
    WorkerRecord* workers = nullptr;
    std::uint32_t slot_count = 0;
    std::uint32_t capacity_log2 = 0;  ///< of every index queue; 2^capacity_log2 >= slot_count
    std::uint32_t tenant_count = 0;
    std::uint32_t opcode_count = 0;
    std::uint32_t lock_count = 0;
    std::uint32_t worker_count = 0;
};
static_assert(std::is_trivially_copyable_v<RingView>);

/// What a publisher asks for.
struct RingItem {
    std::uint32_t opcode = 0;
    std::uint32_t tenant = 0;
    std::uint32_t priority = 0;
    std::uint32_t lock = 0;  ///< 0: none; else 1 + index
    std::array<std::uint32_t, kHandlerWords> argument{};
};

/// A slot that a worker has claimed, with the status it must still have when the worker is finished.
struct ClaimedSlot {
    std::uint32_t slot = 0;
    SlotStatus status{};
};

}  // namespace megabed
