#include "gpu/jit/jit_kernel.h"
#include "gpu/memory/cuda_check.h"

#include <cuda_runtime.h>
#include <algorithm>
#include <chrono>
#include <list>
#include <mutex>

namespace megabed {
namespace {

using Clock = std::chrono::steady_clock;

cudaStream_t stream_of(void* stream) { return static_cast<cudaStream_t>(stream); }

}  // namespace

struct JitKernel::Library {
    cudaLibrary_t handle = nullptr;
    std::shared_ptr<const JitImage> image;  ///< the runtime need not have copied it

    explicit Library(std::shared_ptr<const JitImage> code) : image(std::move(code)) {}
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library() {
        if (handle != nullptr) {
            (void)cudaLibraryUnload(handle);
            (void)cudaGetLastError();
        }
    }
};

struct JitKernels::Parts {
    static constexpr std::size_t kLoadedMax = 64;

    KernelCompiler compiler;
    JitArchitecture architecture{};
    std::mutex mutex{};
    std::list<JitKernel> loaded{};  ///< what was asked for last stands in front
};

Loaded<void> JitKernel::load() {
    const Clock::time_point start = Clock::now();
    auto library = std::make_shared<Library>(compiled_.image);
    if (auto code = cuda_check(cudaLibraryLoadData(&library->handle, library->image->code.c_str(), nullptr,
                                                   nullptr, 0, nullptr, nullptr, 0),
                               "cudaLibraryLoadData");
        !code) {
        return code;
    }
    cudaKernel_t handle = nullptr;
    if (auto got = cuda_check(cudaLibraryGetKernel(&handle, library->handle, library->image->symbol.c_str()),
                              "cudaLibraryGetKernel");
        !got) {
        return got;
    }
    // Asking for attributes also brings the code to the device now: at the first launch it might have to wait
    // for a resident kernel.
    cudaFuncAttributes attributes{};
    if (auto got = cuda_check(cudaFuncGetAttributes(&attributes, handle), "cudaFuncGetAttributes"); !got) {
        return got;
    }
    loaded_code_ = std::move(library);
    function_ = handle;
    registers_ = static_cast<std::uint32_t>(attributes.numRegs);
    local_bytes_ = static_cast<std::uint32_t>(attributes.localSizeBytes);
    load_time_ = SimTime(std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
    return {};
}

Loaded<std::uint32_t> JitKernel::resident_blocks(std::uint32_t lanes, std::uint32_t shared_bytes) const {
    constexpr std::uint32_t kWithoutAsking = 48U << 10;
    if (shared_bytes > kWithoutAsking) {
        if (const auto allowed =
                cuda_check(cudaFuncSetAttribute(function_, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                static_cast<int>(shared_bytes)),
                           "cudaFuncSetAttribute");
            !allowed) {
            return Refusal(allowed.error());
        }
    }
    int each = 0;
    if (const auto asked = cuda_check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(
                                          &each, function_, static_cast<int>(lanes), shared_bytes),
                                      "cudaOccupancyMaxActiveBlocksPerMultiprocessor");
        !asked) {
        return Refusal(asked.error());
    }
    int device = 0;
    int multiprocessors = 0;
    if (const auto got = cuda_check(cudaGetDevice(&device), "cudaGetDevice"); !got) {
        return Refusal(got.error());
    }
    if (const auto got =
            cuda_check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device),
                       "cudaDeviceGetAttribute");
        !got) {
        return Refusal(got.error());
    }
    return static_cast<std::uint32_t>(each) * static_cast<std::uint32_t>(multiprocessors);
}

Loaded<void> JitKernel::launch(const JitLaunch& launch, std::span<void* const> arguments) const {
    // The runtime only reads them.
    void** const addresses = const_cast<void**>(arguments.data());
    const dim3 blocks(launch.blocks);
    const dim3 lanes(launch.lanes);
    if (launch.cooperative) {
        return cuda_check(cudaLaunchCooperativeKernel(function_, blocks, lanes, addresses, launch.shared_bytes,
                                                      stream_of(launch.stream)),
                          "cudaLaunchCooperativeKernel");
    }
    return cuda_check(
        cudaLaunchKernel(function_, blocks, lanes, addresses, launch.shared_bytes, stream_of(launch.stream)),
        "cudaLaunchKernel");
}

Loaded<void> finish_stream(void* stream) {
    return cuda_check(cudaStreamSynchronize(stream_of(stream)), "cudaStreamSynchronize");
}

Loaded<JitKernels> JitKernels::on_this_device(KernelCompilerSettings settings) {
    int device = 0;
    int major = 0;
    int minor = 0;
    for (const auto& [code, call] :
         {std::pair{cudaGetDevice(&device), "cudaGetDevice"},
          std::pair{cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device),
                    "cudaDeviceGetAttribute"},
          std::pair{cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device),
                    "cudaDeviceGetAttribute"}}) {
        if (const auto asked = cuda_check(code, call); !asked) {
            return Refusal(asked.error());
        }
    }
    auto compiler = KernelCompiler::with_nvrtc(std::move(settings));
    if (!compiler) {
        return Refusal(std::move(compiler.error()));
    }
    const auto architecture =
        compiler->compiler().architecture_for(static_cast<std::uint32_t>(10 * major + minor));
    if (!architecture) {
        return Refusal(architecture.error());
    }
    return JitKernels(std::unique_ptr<Parts>(new Parts{std::move(*compiler), *architecture}));
}

JitKernels::JitKernels(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
JitKernels::JitKernels(JitKernels&&) noexcept = default;
JitKernels& JitKernels::operator=(JitKernels&&) noexcept = default;
JitKernels::~JitKernels() = default;

JitArchitecture JitKernels::architecture() const { return parts_->architecture; }
KernelCompiler& JitKernels::compiler() { return parts_->compiler; }

Loaded<JitKernel> JitKernels::kernel(const JitRequest& request) {
    auto compiled = parts_->compiler.compile(request, parts_->architecture);
    if (!compiled) {
        return Refusal(std::move(compiled.error()));
    }
    JitKernel kernel;
    kernel.compiled_ = std::move(*compiled);

    const std::lock_guard lock(parts_->mutex);
    auto& loaded = parts_->loaded;
    const auto found = std::find_if(loaded.begin(), loaded.end(), [&](const JitKernel& one) {
        return one.compiled_.key == kernel.compiled_.key;
    });
    if (found != loaded.end()) {
        loaded.splice(loaded.begin(), loaded, found);
        kernel.loaded_code_ = found->loaded_code_;
        kernel.function_ = found->function_;
        kernel.registers_ = found->registers_;
        kernel.local_bytes_ = found->local_bytes_;
        return kernel;
    }
    if (const auto ready = kernel.load(); !ready) {
        return Refusal(ready.error());
    }
    loaded.push_front(kernel);
    if (loaded.size() > Parts::kLoadedMax) {
        loaded.pop_back();
    }
    return kernel;
}

}  // namespace megabed
