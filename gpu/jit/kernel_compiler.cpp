#include "gpu/jit/kernel_compiler.h"

#include "gpu/jit/embedded_headers.h"
#include "sim/cache_folder.h"

#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace megabed {
namespace {

using Clock = std::chrono::steady_clock;

SimTime since(Clock::time_point start) {
    return SimTime(std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
}

/// The request's own headers, then the embedded ones that it does not replace.
std::vector<JitHeader> headers_of(const JitRequest& request) {
    std::vector<JitHeader> headers = request.headers;
    for (const JitHeader& embedded : embedded_headers()) {
        const bool replaced = std::any_of(request.headers.begin(), request.headers.end(),
                                          [&](const JitHeader& own) { return own.name == embedded.name; });
        if (!replaced) {
            headers.push_back(embedded);
        }
    }
    return headers;
}

struct Kept {
    JitKey key{};
    std::shared_ptr<const JitImage> image{};
    SimTime compile_time{};

    [[nodiscard]] std::uint64_t bytes() const {
        return image->code.size() + image->symbol.size() + image->log.size();
    }
};

/// What was asked for last stands in front.
class MemoryCache {
public:
    explicit MemoryCache(Bytes limit) : limit_(limit.value()) {}

    [[nodiscard]] const Kept* find(const JitKey& key) {
        const auto found =
            std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.key == key; });
        if (found == kept_.end()) {
            return nullptr;
        }
        kept_.splice(kept_.begin(), kept_, found);
        return &kept_.front();
    }
    void insert(Kept kept) {
        bytes_ += kept.bytes();
        kept_.push_front(std::move(kept));
        while (bytes_ > limit_) {
            bytes_ -= kept_.back().bytes();
            kept_.pop_back();
        }
    }

private:
    std::uint64_t limit_;
    std::uint64_t bytes_ = 0;
    std::list<Kept> kept_;
};

}  // namespace

struct KernelCompiler::Parts {
    std::shared_ptr<const JitCompiler> compiler;
    std::optional<JitCacheFolder> folder;
    std::function<void(std::string_view)> notice;
    MemoryCache memory;
    std::set<JitKey> in_progress{};
    std::mutex mutex{};
    std::condition_variable finished{};

    [[nodiscard]] Loaded<CachedImage> from_disk_or_compiler(const JitKey& key, const JitRequest& request,
                                                            JitArchitecture architecture,
                                                            std::span<const JitHeader> headers,
                                                            JitOrigin& origin);
    void keep_on_disk(const JitKey& key, const CachedImage& entry);
};

Loaded<CachedImage> KernelCompiler::Parts::from_disk_or_compiler(const JitKey& key, const JitRequest& request,
                                                                 JitArchitecture architecture,
                                                                 std::span<const JitHeader> headers,
                                                                 JitOrigin& origin) {
    if (folder) {
        if (auto found = folder->find(key)) {
            origin = JitOrigin::Disk;
            return std::move(*found);
        }
    }
    origin = JitOrigin::Compiled;
    const Clock::time_point start = Clock::now();
    auto image = compiler->compile(request, architecture, headers);
    if (!image) {
        return Refusal(std::move(image.error()));
    }
    CachedImage entry{std::move(*image), since(start)};
    keep_on_disk(key, entry);
    return entry;
}

void KernelCompiler::Parts::keep_on_disk(const JitKey& key, const CachedImage& entry) {
    if (!folder) {
        return;
    }
    const auto stored = folder->store(key, entry);
    if (stored) {
        return;
    }
    std::function<void(std::string_view)> told;
    {
        const std::lock_guard lock(mutex);
        told = std::exchange(notice, nullptr);
    }
    if (told) {
        told(fmt::format("compiled kernels are not kept on disk: {}", megabed::to_string(stored.error())));
    }
}

std::string_view to_string(JitOrigin origin) {
    switch (origin) {
    case JitOrigin::Memory:
        return "memory";
    case JitOrigin::Disk:
        return "disk";
    case JitOrigin::Compiled:
        return "compiled";
    }
    return "?";
}

KernelCompilerSettings KernelCompilerSettings::of_this_user() {
    KernelCompilerSettings settings;
    if (const auto folder = user_cache_folder()) {
        settings.folder = *folder / "jit";
    }
    return settings;
}

Loaded<KernelCompiler> KernelCompiler::with_nvrtc(KernelCompilerSettings settings) {
    auto nvrtc = load_nvrtc();
    if (!nvrtc) {
        return Refusal(std::move(nvrtc.error()));
    }
    return KernelCompiler(std::move(*nvrtc), std::move(settings));
}

KernelCompiler::KernelCompiler(std::shared_ptr<const JitCompiler> compiler, KernelCompilerSettings settings) {
    std::optional<JitCacheFolder> folder;
    if (settings.folder) {
        folder.emplace(std::move(*settings.folder), settings.disk_limit);
    }
    parts_ = std::unique_ptr<Parts>(new Parts{.compiler = std::move(compiler),
                                              .folder = std::move(folder),
                                              .notice = std::move(settings.notice),
                                              .memory = MemoryCache(settings.memory_limit)});
}

KernelCompiler::KernelCompiler(KernelCompiler&&) noexcept = default;
KernelCompiler& KernelCompiler::operator=(KernelCompiler&&) noexcept = default;
KernelCompiler::~KernelCompiler() = default;

const JitCompiler& KernelCompiler::compiler() const { return *parts_->compiler; }

Loaded<CompiledKernel> KernelCompiler::compile(const JitRequest& request, JitArchitecture architecture) {
    const Clock::time_point start = Clock::now();
    const std::vector<JitHeader> headers = headers_of(request);
    CompiledKernel kernel;
    kernel.key = jit_key(*parts_->compiler, request, architecture, headers);
    kernel.architecture = architecture;

    std::unique_lock lock(parts_->mutex);
    while (true) {
        if (const Kept* const kept = parts_->memory.find(kernel.key)) {
            kernel.image = kept->image;
            kernel.origin = JitOrigin::Memory;
            kernel.compile_time = kept->compile_time;
            kernel.elapsed = since(start);
            return kernel;
        }
        if (parts_->in_progress.insert(kernel.key).second) {
            break;
        }
        parts_->finished.wait(lock);
    }
    lock.unlock();
    auto got = parts_->from_disk_or_compiler(kernel.key, request, architecture, headers, kernel.origin);
    lock.lock();
    parts_->in_progress.erase(kernel.key);
    parts_->finished.notify_all();
    if (!got) {
        return Refusal(std::move(got.error()));
    }
    kernel.image = std::make_shared<const JitImage>(std::move(got->image));
    kernel.compile_time = got->compile_time;
    parts_->memory.insert({kernel.key, kernel.image, kernel.compile_time});
    kernel.elapsed = since(start);
    return kernel;
}

}  // namespace megabed
