#include "gpu/service/service_engine.h"

#include "gpu/memory/cuda_check.h"
#include "gpu/service/service_kernel.h"

#include <cuda_runtime.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <span>
#include <thread>
#include <utility>

namespace megabed {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kWarp = 32;
/// More would only be page-locked memory: the steward empties the inbox all the time.
constexpr std::uint32_t kInboxMax = 1U << 14;

std::uint32_t whole_warps(std::uint32_t lanes) {
    return div_ceil(std::clamp(lanes, 1U, kServiceLanesMax), kWarp) * kWarp;
}

std::uint32_t log2_ceil(std::uint32_t count) {
    return static_cast<std::uint32_t>(std::bit_width(std::bit_ceil(std::max(count, 1U)))) - 1;
}

/// The device reads and writes these words at any time.
template <class Word>
Word seen(Word& word) {
    return std::atomic_ref<Word>(word).load(std::memory_order_acquire);
}
template <class Word>
void show(Word& word, Word value) {
    std::atomic_ref<Word>(word).store(value, std::memory_order_release);
}

cudaStream_t stream_of(void* stream) { return static_cast<cudaStream_t>(stream); }

/// Cuts one block into arrays.
class Cutter {
public:
    explicit Cutter(std::byte* base) : base_(base) {}
    template <class Value>
    Value* cut(std::size_t count) {
        constexpr std::size_t kAlignment = 256;
        const std::size_t at =
            std::exchange(used_, used_ + div_ceil(count * sizeof(Value), kAlignment) * kAlignment);
        return base_ == nullptr ? nullptr : reinterpret_cast<Value*>(base_ + at);
    }
    [[nodiscard]] Bytes used() const { return Bytes(used_); }

private:
    std::byte* base_;
    std::size_t used_ = 0;
};

/// Words for a bit of each worker, padded so that whole warps may look at them.
std::uint32_t finished_words(std::uint32_t workers) { return div_ceil(workers, kWarp * kWarp) * kWarp; }

std::uint32_t windows_of(const ServicePlan& plan) {
    return plan.window_slots == 0 ? 0 : div_ceil(plan.slots, plan.window_slots);
}

/// Device tables, in the same order whether they are measured or placed.
Bytes cut_tables(ServiceState& state, const ServicePlan& plan, std::uint32_t workers, std::byte* base) {
    Cutter cutter(base);
    state.memory = cutter.cut<ServiceMemory>(1);
    state.handlers = cutter.cut<std::uint32_t>(plan.handlers.size());
    state.entry_of = cutter.cut<std::uint32_t>(plan.entry_of.size());
    state.done_before = cutter.cut<std::uint64_t>(plan.handlers.size());
    state.window_epoch = cutter.cut<std::uint32_t>(windows_of(plan));
    state.latencies = cutter.cut<LatencyCounts>(plan.entries);
    state.tallies = cutter.cut<WorkerTally>(std::size_t{workers} + 1);
    state.boxes = cutter.cut<GroupBox>(workers);
    state.finished = cutter.cut<std::uint32_t>(finished_words(workers));
    if (plan.rules) {
        state.rules = cutter.cut<DecisionRules>(1);
        state.loop = cutter.cut<DecisionLoop>(1);
    }
    return cutter.used();
}

Bytes cut_mail(ServiceMail& mail, bool with_notes, std::byte* base) {
    Cutter cutter(base);
    mail.desk = cutter.cut<ServiceDesk>(1);
    mail.inbox = cutter.cut<MailEntry>(std::size_t{1} << mail.inbox_log2);
    mail.notices = cutter.cut<MailWord>(std::size_t{kNoticeBoxes} << mail.notice_log2);
    if (with_notes) {
        mail.notes = cutter.cut<MailWord>(std::size_t{kNoteWords} << kNotePlacesLog2);
    }
    return cutter.used();
}

}  // namespace

Loaded<std::unique_ptr<ServiceEngine>> ServiceEngine::make(const ServicePlan& plan, DevicePool& pool) {
    std::unique_ptr<ServiceEngine> engine(new ServiceEngine);
    if (auto made = engine->set_up(plan, pool); !made) {
        return Refusal(std::move(made.error()));
    }
    return engine;
}

Loaded<void> ServiceEngine::set_up(const ServicePlan& plan, DevicePool& pool) {
    plan_ = plan;
    if (auto usable = cuda_usable(); !usable) {
        return usable;
    }
    const auto groups = resident_service_groups(kWarp, plan.rules.has_value());  // no block has fewer lanes
    if (!groups) {
        return Refusal(groups.error());
    }
    size_.slots = plan.slots;
    size_.tenants = static_cast<std::uint32_t>(plan.quotas.size());
    size_.opcodes = static_cast<std::uint32_t>(plan.handlers.size());
    size_.locks = plan.locks;
    size_.workers = *groups;
    auto ring = DeviceRingStorage::make(size_, pool);
    if (!ring) {
        return Refusal(ring.error());
    }
    ring_ = std::move(*ring);
    auto tables = pool.allocate(cut_tables(state_, plan_, *groups, nullptr), "the tables of a service");
    if (!tables) {
        return Refusal(tables.error());
    }
    tables_ = std::move(*tables);
    cut_tables(state_, plan_, *groups, static_cast<std::byte*>(tables_.address()));

    mail_.inbox_log2 = log2_ceil(std::min(plan.slots, kInboxMax));
    mail_.notice_log2 = log2_ceil(plan.notices);
    auto mapped = MappedMemory::make(cut_mail(mail_, plan.rules.has_value(), nullptr));
    if (!mapped) {
        return Refusal(mapped.error());
    }
    mapped_ = std::move(*mapped);
    cut_mail(mail_, plan.rules.has_value(), mapped_.host());
    state_.mail = mail_;
    cut_mail(state_.mail, plan.rules.has_value(), mapped_.device());

    state_.ring = ring_.view();
    state_.window_slots = plan.window_slots;
    state_.hot_share = plan.hot_share;
    state_.deadline = static_cast<std::uint64_t>(plan.deadline.value());
    if (auto filled = fill_tables(); !filled) {
        return filled;
    }
    cudaStream_t kernel = nullptr;
    if (auto made =
            cuda_check(cudaStreamCreateWithFlags(&kernel, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
        !made) {
        return made;
    }
    stream_ = kernel;
    return {};
}

Loaded<void> ServiceEngine::fill_tables() {
    const ServiceMemory memory;
    const std::vector<LatencyCounts> latencies(plan_.entries);
    std::vector<TenantControl> tenants(plan_.quotas.size());
    for (std::size_t tenant = 0; tenant < tenants.size(); ++tenant) {
        tenants[tenant].quota = plan_.quotas[tenant];
    }
    const DecisionRules rules = plan_.rules.value_or(DecisionRules{});
    const DecisionLoop loop;
    const auto put = [](DeviceBlock& block, const void* to, const auto& values) {
        return block.upload(std::as_bytes(std::span(values)), offset_in(block, to));
    };
    const auto put_one = [](DeviceBlock& block, const void* to, const auto& value) {
        return block.upload(std::as_bytes(std::span(&value, 1)), offset_in(block, to));
    };
    auto filled = tables_.fill(std::byte{0});
    const auto then = [&filled](Loaded<void> next) {
        if (filled) {
            filled = std::move(next);
        }
    };
    then(put_one(tables_, state_.memory, memory));
    then(put(tables_, state_.handlers, plan_.handlers));
    then(put(tables_, state_.entry_of, plan_.entry_of));
    then(put(tables_, state_.latencies, latencies));
    if (plan_.rules) {
        then(put_one(tables_, state_.rules, rules));
        then(put_one(tables_, state_.loop, loop));
    }
    then(put(ring_.block(), ring_.view().tenants, tenants));
    then(put_one(ring_.block(), &ring_.view().control->starvation_epochs, plan_.starvation_epochs));
    return filled;
}

ServiceEngine::~ServiceEngine() {
    if (runs() && !failure_) {
        park();
    }
    if (runs()) {
        abort();
    }
    if (runs() || context_lost_) {
        // Whatever still uses the memory must not find it given to others; a lost context takes it along.
        ring_.block().abandon();
        tables_.abandon();
        mapped_.abandon();
        return;
    }
    if (stream_ != nullptr) {
        (void)cudaStreamDestroy(stream_of(stream_));
    }
}

Loaded<std::uint32_t> ServiceEngine::groups_max(std::uint32_t lanes) const {
    return resident_service_groups(whole_warps(lanes), plan_.rules.has_value());
}

bool ServiceEngine::run_with(std::uint32_t lanes) {
    const std::uint32_t whole = whole_warps(lanes);
    if (failure_ || lanes_ == whole) {
        return !failure_;
    }
    if (runs() && !park()) {
        return false;
    }
    const auto groups = resident_service_groups(whole, plan_.rules.has_value());
    const auto started = groups ? start_service(state_, std::min(*groups, size_.workers), whole, stream_)
                                : Loaded<void>(Refusal(groups.error()));
    if (!started) {
        fail(to_string(started.error()));
        return false;
    }
    lanes_ = whole;
    ++starts_;
    return true;
}

bool ServiceEngine::park() {
    if (!runs()) {
        return !failure_;
    }
    ServiceOrder order;
    order.kind = ServiceCommand::Park;
    if (!give(order, plan_.deadline)) {
        return false;
    }
    if (!wait_until_ended(plan_.deadline)) {
        fail("the service kernel was told to park, said yes, and did not end");
        return false;
    }
    return true;
}

void ServiceEngine::abort() {
    failed_.store(true, std::memory_order_release);
    if (std::exchange(aborted_, true)) {
        return;  // what did not help once only takes its time again
    }
    for (const MailWord how : {kAbortPolitely, kAbortByTrap}) {
        if (!runs()) {
            return;
        }
        show(mail_.desk->bell[kAbortWord], how);
        wait_until_ended(plan_.deadline);  // notes that a trap took the context along
    }
}

// ---- orders and answers ----

void ServiceEngine::write_bell(const ServiceOrder& order) {
    std::uint32_t value[kMailWords] = {};
    value[kCommandKind] = static_cast<std::uint32_t>(order.kind);
    value[kCommandWorkers] = order.workers;
    value[kCommandClaims] = order.claims;
    value[kCommandLiftAge] = order.lift_age;
    value[kCommandEndLow] = static_cast<std::uint32_t>(order.end);
    value[kCommandEndHigh] = static_cast<std::uint32_t>(order.end >> 32);
    value[kCommandWarmUpLow] = static_cast<std::uint32_t>(order.warm_up);
    value[kCommandWarmUpHigh] = static_cast<std::uint32_t>(order.warm_up >> 32);
    ++command_;
    for (std::uint32_t word = 0; word < kMailWords; ++word) {
        show(mail_.desk->bell[word], mail_word(command_, value[word]));
    }
}

bool ServiceEngine::read_answer(ServiceAnswer& answer) const {
    for (std::uint32_t at = 0; at < kMailWords; ++at) {
        const MailWord word = seen(mail_.desk->answer[at]);
        if (mail_tag(word) != command_) {
            return false;
        }
        answer.word[at] = mail_value(word);
    }
    return true;
}

std::optional<ServiceAnswer> ServiceEngine::give(const ServiceOrder& order, SimTime patience) {
    if (failure_) {
        return std::nullopt;
    }
    write_bell(order);
    const auto begin = Clock::now();
    const auto until = begin + std::chrono::nanoseconds(patience.value());
    // Asking for the stream takes as long as the answer to a ping.
    constexpr std::chrono::microseconds kAskAfter(500);
    auto asked = begin;
    constexpr std::uint32_t kLooksBetween = 256;
    ServiceAnswer answer;
    for (std::uint32_t look = 1; !read_answer(answer); ++look) {
        if (look % kLooksBetween != 0) {
            continue;
        }
        const auto now = Clock::now();
        if (now - asked < kAskAfter) {
            continue;
        }
        asked = now;
        if (ended() && !read_answer(answer)) {
            fail("the service kernel ended without an order");
            return std::nullopt;
        }
        if (failure_) {
            return std::nullopt;
        }
        if (now > until) {
            fail("the device did not answer within " +
                 std::to_string(static_cast<double>(patience.value()) / 1e6) + " ms");
            return std::nullopt;
        }
    }
    return answer;
}

bool ServiceEngine::ended() {
    const cudaError_t code = cudaStreamQuery(stream_of(stream_));
    if (code == cudaErrorNotReady) {
        return false;
    }
    if (const auto well = cuda_check(code, "the service kernel"); !well) {
        context_lost_ = cuda_context_lost().has_value();
        fail("it broke down: " + to_string(well.error()));
    }
    lanes_ = 0;
    return true;
}

bool ServiceEngine::wait_until_ended(SimTime patience) {
    const auto until = Clock::now() + std::chrono::nanoseconds(patience.value());
    while (!ended()) {
        if (Clock::now() > until) {
            return false;
        }
        std::this_thread::yield();
    }
    return true;
}

void ServiceEngine::fail(std::string why) {
    if (!failure_) {
        failure_ = std::move(why);
        failed_.store(true, std::memory_order_release);
    }
}

// ---- items ----

bool ServiceEngine::send(const RingItem& item, ItemRoute route) {
    const std::uint64_t places = std::uint64_t{1} << mail_.inbox_log2;
    if (sent_ - seen(mail_.desk->taken) >= places) {
        return false;
    }
    MailEntry& entry = mail_.inbox[sent_ & (places - 1)];
    const std::uint32_t tag = mail_lap(sent_, mail_.inbox_log2);
    const auto put = [&](std::uint32_t word, std::uint32_t value) {
        std::atomic_ref<MailWord>(entry.word[word]).store(mail_word(tag, value), std::memory_order_relaxed);
    };
    put(kItemOpcode, item.opcode);
    put(kItemTenant, item.tenant);
    put(kItemPriority, item.priority);
    put(kItemLock, item.lock);
    for (std::uint32_t word = 0; word < kHandlerWords; ++word) {
        put(kItemArgument + word, item.argument[word]);
    }
    const bool known = item.tenant < plan_.entry_of.size();
    put(kItemRoute, static_cast<std::uint32_t>(route));
    put(kItemEntry, known ? plan_.entry_of[item.tenant] : 0);
    for (std::uint32_t word = kItemEntry + 1; word < kMailWords; ++word) {
        put(word, 0);
    }
    std::atomic_ref(sent_).store(sent_ + 1, std::memory_order_release);
    return true;
}

std::uint64_t ServiceEngine::sent() const {
    return std::atomic_ref(const_cast<std::uint64_t&>(sent_)).load(std::memory_order_acquire);
}

std::uint64_t ServiceEngine::done() const { return seen(mail_.desk->done); }

std::optional<std::uint32_t> ServiceEngine::next_notice() {
    for (std::uint32_t box = 0; box < kNoticeBoxes; ++box) {
        const std::uint64_t ticket = noticed_[box];
        const std::uint64_t place = ticket & ((std::uint64_t{1} << mail_.notice_log2) - 1);
        const MailWord word = seen(mail_.notices[(std::uint64_t{box} << mail_.notice_log2) + place]);
        if (mail_tag(word) == mail_lap(ticket, mail_.notice_log2)) {
            ++noticed_[box];
            return mail_value(word);
        }
    }
    return std::nullopt;
}

// ---- launches that the device decides ----

std::optional<ServiceNote> ServiceEngine::next_note() {
    const std::uint64_t place = notes_read_ & ((std::uint64_t{1} << kNotePlacesLog2) - 1);
    const std::uint32_t tag = mail_lap(notes_read_, kNotePlacesLog2);
    std::array<std::uint32_t, kNoteWords> value{};
    for (std::uint32_t at = 0; at < kNoteWords; ++at) {
        const MailWord word = seen(mail_.notes[place * kNoteWords + at]);
        if (mail_tag(word) != tag) {
            return std::nullopt;
        }
        value[at] = mail_value(word);
    }
    show(mail_.desk->bell[kNotesReadWord], ++notes_read_);
    ServiceNote note;
    std::memcpy(static_cast<void*>(&note), value.data(), sizeof(note));
    return note;
}

bool ServiceEngine::held() const { return seen(mail_.desk->hold) != 0; }

void ServiceEngine::set_co_tenant_bytes(std::uint64_t bytes) { show(mail_.desk->bell[kCoTenantWord], bytes); }

bool ServiceEngine::still_runs() {
    if (!failure_ && runs() && ended()) {
        fail("the service kernel ended without an order");
    }
    return !failure_;
}

// ---- results ----

Loaded<ServiceCounts> ServiceEngine::counts() const {
    ServiceCounts counts;
    counts.tenants.resize(size_.tenants);
    std::vector<LatencyCounts> latencies(plan_.entries);
    std::vector<WorkerTally> tallies(std::size_t{size_.workers} + 1);
    const auto get = [](const DeviceBlock& block, const void* from, auto& values) {
        return block.download(std::as_writable_bytes(std::span(values)), offset_in(block, from));
    };
    if (const auto got = get(ring_.block(), ring_.view().tenants, counts.tenants); !got) {
        return Refusal(got.error());
    }
    if (const auto got = get(tables_, state_.latencies, latencies); !got) {
        return Refusal(got.error());
    }
    if (const auto got = get(tables_, state_.tallies, tallies); !got) {
        return Refusal(got.error());
    }
    const auto control = std::as_writable_bytes(std::span(&counts.control, 1));
    if (const auto got = ring_.block().download(control, offset_in(ring_.block(), ring_.view().control));
        !got) {
        return Refusal(got.error());
    }
    for (const LatencyCounts& of : latencies) {
        counts.latencies.emplace_back();
        if (of.least <= of.greatest) {
            counts.latencies.back().add_counted(of.bucket, of.sum, static_cast<std::int64_t>(of.least),
                                                static_cast<std::int64_t>(of.greatest));
        }
    }
    for (const WorkerTally& tally : tallies) {
        counts.sum.in_flight += tally.in_flight;
        counts.sum.in_ring += tally.in_ring;
        counts.sum.at_work += tally.at_work;
    }
    return counts;
}

}  // namespace megabed
