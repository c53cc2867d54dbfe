#pragma once

#include "sim/ring/ring_layout.h"

#include <array>
#include <cstdint>

namespace megabed {

/// What host and device tell each other while the service kernel is resident, in page-locked host memory that
/// both address. Every word has one writer, so nothing needs a read-modify-write across PCIe, and carries its
/// own proof: the top half is a tag that says which message it belongs to, the bottom half the value. A reader
/// that finds the tag it waits for in every word has the whole message, in whatever order the words came, from
/// one look; a flag with data behind it would take two.
using MailWord = std::uint64_t;

[[nodiscard]] constexpr MailWord mail_word(std::uint32_t tag, std::uint32_t value) {
    return MailWord{tag} << 32 | value;
}
[[nodiscard]] constexpr std::uint32_t mail_tag(MailWord word) { return static_cast<std::uint32_t>(word >> 32); }
[[nodiscard]] constexpr std::uint32_t mail_value(MailWord word) { return static_cast<std::uint32_t>(word); }
/// Tag of the message with this ticket in a box of 2^log2 places; not 0, which fresh memory holds.
[[nodiscard]] constexpr std::uint32_t mail_lap(std::uint64_t ticket, std::uint32_t log2) {
    return static_cast<std::uint32_t>(ticket >> log2) + 1;
}

inline constexpr std::uint32_t kMailWords = 16;

/// A message of one item; half a warp reads it at once.
struct alignas(128) MailEntry {
    std::array<MailWord, kMailWords> word{};
};
static_assert(sizeof(MailEntry) == 128);

/// What the words of an item are.
enum ItemWord : std::uint32_t {
    kItemOpcode,
    kItemTenant,
    kItemPriority,
    kItemLock,
    kItemArgument,                               ///< and the following: `kHandlerWords`
    kItemRoute = kItemArgument + kHandlerWords,  ///< an ItemRoute
    kItemEntry,                                  ///< of its tenant
};

/// How an item may go, if nothing waits before it. Each may go all the ways above its own.
enum class ItemRoute : std::uint32_t {
    Ring,      ///< through its class's queue: what has a lock or a quota is for the ring to judge
    Straight,  ///< to a group that waits
    Steward,   ///< short enough for the steward to carry out itself
};

/// The last handler word of a service item, and its bits.
inline constexpr std::uint32_t kServiceFlags = 7;
inline constexpr std::uint32_t kWaitedFor = 1;  ///< its publisher waits for a notice
inline constexpr std::uint32_t kMeasured = 2;   ///< it came after the warm-up: its latency counts

enum class ServiceCommand : std::uint32_t {
    None,
    Ping,    ///< answer at once
    Run,     ///< a launch; the answer comes when it is over. Where the host decides
    Decide,  ///< where the device does: the steward decides launch after launch and notes them, until it must
             ///< stop; answered at once
    Halt,    ///< it decides no more; the answer comes when the launch that is on is over
    Park,    ///< the kernel ends; everything stays where it is
};

/// What the words of a command are. Its tag is its number, counted from 1.
enum CommandWord : std::uint32_t {
    kCommandKind,
    kCommandWorkers,  ///< groups that may claim
    kCommandClaims,
    kCommandLiftAge,    ///< 1 + age from which on items are lifted; 0: none is
    kCommandEndLow,     ///< in the device's clock: Run: when the launch is over at the latest; Decide: when the
    kCommandEndHigh,    ///< tenants stop, after which a launch has a whole epoch
    kCommandWarmUpLow,  ///< end of the warm-up, in the device's clock
    kCommandWarmUpHigh,
};
/// Words of the doorbell that have no tag, since each says all by itself.
inline constexpr std::uint32_t kAbortWord = kMailWords;          ///< 0, or one of the two below
inline constexpr std::uint32_t kNotesReadWord = kMailWords + 1;  ///< notes that the host has read
inline constexpr std::uint32_t kCoTenantWord = kMailWords + 2;   ///< device bytes that others hold
inline constexpr MailWord kAbortPolitely = 1;                    ///< whoever looks leaves
inline constexpr MailWord kAbortByTrap = 2;  ///< the steward ends the kernel, and with it the context

enum class ServiceStatus : std::uint32_t { Done, Fault };

/// What the words of an answer are. Its tag is the command's; counts are since the answer before, saturated.
enum AnswerWord : std::uint32_t {
    kAnswerStatus,
    kAnswerClockLow,  ///< the device's clock when it answered
    kAnswerClockHigh,
    kAnswerItems,  ///< done
    kAnswerRequeues,
    kAnswerRequeueAge,  ///< greatest age of an item put back, in epochs
    kAnswerHeadAge,     ///< greatest age of an item at the head of a class
    kAnswerHotOpcodes,
    kAnswerHotWindows,
    kAnswerClaimsLeft,
    kAnswerFaultReason,
    kAnswerFaultSlot,
    kAnswerFaultOpcode,
    kAnswerFaultTenant,
    kAnswerFaultTicket,
    kAnswerDeferred,
};
static_assert(kAnswerDeferred + 1 == kMailWords && kItemEntry < kMailWords);

/// The words that are not items. Lines of their own for either writer.
struct ServiceDesk {
    alignas(256) std::array<MailWord, 2 * kMailWords> bell{};  ///< host: a command, and the abort word
    alignas(256) std::array<MailWord, kMailWords> answer{};    ///< device
    alignas(128) std::uint64_t taken = 0;                      ///< device: items taken out of the inbox
    std::uint64_t done = 0;                                    ///< device: items done
    std::uint64_t hold = 0;  ///< device: 1 while publishers are to wait, by its last decision
};

/// Notices of items done, one word each: tag of the ticket, publisher. The steward and the workers have a box
/// each, with a place for every publisher that may wait for one, so that none overflows.
enum NoticeBox : std::uint32_t { kStewardNotices, kWorkerNotices, kNoticeBoxes };

/// Notes that the host need not have read before the device writes the next one.
inline constexpr std::uint32_t kNotePlacesLog2 = 8;

/// The mail as either side addresses it.
struct ServiceMail {
    ServiceDesk* desk = nullptr;
    MailWord* notes = nullptr;  ///< 2^kNotePlacesLog2 x kNoteWords (service_note.h); null: the host decides
    MailEntry* inbox = nullptr;
    MailWord* notices = nullptr;  ///< kNoticeBoxes x 2^notice_log2
    std::uint32_t inbox_log2 = 0;
    std::uint32_t notice_log2 = 0;
};

}  // namespace megabed
