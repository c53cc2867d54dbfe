#include "gpu/service/service_engine.h"

#include "gpu/service/service_kernel.h"

#include <cuda_runtime.h>
#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <thread>
#include <utility>

namespace megabed {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kWarp = 32;
constexpr std::uint32_t kLanesMax = 1024;
/// More would only be page-locked memory: the steward empties the inbox all the time.
constexpr std::uint32_t kInboxMax = 1U << 14;

std::uint32_t whole_warps(std::uint32_t lanes) {
    return div_ceil(std::clamp(lanes, 1U, kLanesMax), kWarp) * kWarp;
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
    return cutter.used();
}

Bytes cut_mail(ServiceMail& mail, std::byte* base) {
    Cutter cutter(base);
    mail.desk = cutter.cut<ServiceDesk>(1);
    mail.inbox = cutter.cut<MailEntry>(std::size_t{1} << mail.inbox_log2);
    mail.notices = cutter.cut<MailWord>(std::size_t{kNoticeBoxes} << mail.notice_log2);
    return cutter.used();
}

}  // namespace

Loaded<std::unique_ptr<ServiceEngine>> ServiceEngine::make(const ServicePlan& plan, RingAllocator& allocator) {
    std::unique_ptr<ServiceEngine> engine(new ServiceEngine);
    if (auto error = engine->set_up(plan, allocator)) {
        return Refusal(std::move(*error));
    }
    return engine;
}

std::optional<InputError> ServiceEngine::set_up(const ServicePlan& plan, RingAllocator& allocator) {
    plan_ = plan;
    const auto groups = resident_service_groups(kWarp);  // no block has fewer lanes
    if (!groups) {
        return groups.error();
    }
    size_.slots = plan.slots;
    size_.tenants = static_cast<std::uint32_t>(plan.quotas.size());
    size_.opcodes = static_cast<std::uint32_t>(plan.handlers.size());
    size_.locks = plan.locks;
    size_.workers = *groups;
    auto ring = DeviceRingStorage::make(size_, allocator);
    if (!ring) {
        return ring.error();
    }
    ring_ = std::move(*ring);
    auto tables = DeviceMemory::make(allocator, cut_tables(state_, plan_, *groups, nullptr));
    if (!tables) {
        return tables.error();
    }
    tables_ = std::move(*tables);
    const Bytes table_bytes = cut_tables(state_, plan_, *groups, tables_.data());

    mail_.inbox_log2 = log2_ceil(std::min(plan.slots, kInboxMax));
    mail_.notice_log2 = log2_ceil(plan.notices);
    auto mapped = MappedMemory::make(cut_mail(mail_, nullptr));
    if (!mapped) {
        return mapped.error();
    }
    mapped_ = std::move(*mapped);
    cut_mail(mail_, mapped_.host());
    state_.mail = mail_;
    cut_mail(state_.mail, mapped_.device());

    state_.ring = ring_.view();
    state_.window_slots = plan.window_slots;
    state_.hot_share = plan.hot_share;
    state_.deadline = static_cast<std::uint64_t>(plan.deadline.value());

    const ServiceMemory memory;
    const std::vector<LatencyCounts> latencies(plan.entries);
    std::vector<TenantControl> tenants(plan.quotas.size());
    for (std::size_t tenant = 0; tenant < tenants.size(); ++tenant) {
        tenants[tenant].quota = plan.quotas[tenant];
    }
    const auto upload = [](const void* to, const void* from, std::size_t bytes) {
        return cudaMemcpy(const_cast<void*>(to), from, bytes, cudaMemcpyHostToDevice);
    };
    cudaStream_t kernel = nullptr;
    cudaStream_t copies = nullptr;
    for (const cudaError_t code :
         {cudaStreamCreateWithFlags(&kernel, cudaStreamNonBlocking),
          cudaStreamCreateWithFlags(&copies, cudaStreamNonBlocking),
          cudaMemset(tables_.data(), 0, table_bytes.value()), upload(state_.memory, &memory, sizeof(memory)),
          upload(state_.handlers, plan.handlers.data(), plan.handlers.size() * sizeof(ServiceHandler)),
          upload(state_.entry_of, plan.entry_of.data(), plan.entry_of.size() * sizeof(std::uint32_t)),
          upload(state_.latencies, latencies.data(), latencies.size() * sizeof(LatencyCounts)),
          upload(ring_.view().tenants, tenants.data(), tenants.size() * sizeof(TenantControl)),
          upload(&ring_.view().control->starvation_epochs, &plan.starvation_epochs, sizeof(std::uint32_t)),
          cudaDeviceSynchronize()}) {
        if (code != cudaSuccess) {
            return cuda_failed("setting up a service on the device", code).value();
        }
    }
    stream_ = kernel;
    copies_ = copies;
    return std::nullopt;
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
        ring_.abandon();
        tables_.abandon();
        mapped_.abandon();
        return;
    }
    for (void* const stream : {stream_, copies_}) {
        if (stream != nullptr) {
            (void)cudaStreamDestroy(stream_of(stream));
        }
    }
}

Loaded<std::uint32_t> ServiceEngine::groups_max(std::uint32_t lanes) const {
    return resident_service_groups(whole_warps(lanes));
}

bool ServiceEngine::run_with(std::uint32_t lanes) {
    const std::uint32_t whole = whole_warps(lanes);
    if (failure_ || lanes_ == whole) {
        return !failure_;
    }
    if (runs() && !park()) {
        return false;
    }
    const auto groups = resident_service_groups(whole);
    const auto started = groups ? start_service(state_, std::min(*groups, size_.workers), whole, stream_)
                                : Loaded<bool>(Refusal(groups.error()));
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
    if (code != cudaSuccess) {
        context_lost_ = true;
        fail(std::string("the service kernel broke down: ") + cudaGetErrorString(code));
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

bool ServiceEngine::send(const RingItem& item, bool express) {
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
    put(kItemExpress, express ? 1 : 0);
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

// ---- results ----

Loaded<ServiceCounts> ServiceEngine::counts() const {
    ServiceCounts counts;
    counts.tenants.resize(size_.tenants);
    std::vector<LatencyCounts> latencies(plan_.entries);
    std::vector<WorkerTally> tallies(std::size_t{size_.workers} + 1);
    const auto download = [this](void* to, const void* from, std::size_t bytes) {
        return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_of(copies_));
    };
    for (const cudaError_t code :
         {download(counts.tenants.data(), ring_.view().tenants, counts.tenants.size() * sizeof(TenantControl)),
          download(latencies.data(), state_.latencies, latencies.size() * sizeof(LatencyCounts)),
          download(tallies.data(), state_.tallies, tallies.size() * sizeof(WorkerTally)),
          download(&counts.control, ring_.view().control, sizeof(RingControl)),
          cudaStreamSynchronize(stream_of(copies_))}) {
        if (code != cudaSuccess) {
            return cuda_failed("reading the service's counts", code);
        }
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
