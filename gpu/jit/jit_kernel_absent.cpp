#include "gpu/jit/jit_kernel.h"
#include "gpu/memory/cuda_check.h"

namespace megabed {

struct JitKernel::Library {};
struct JitKernels::Parts {
    KernelCompiler compiler;
};

namespace {

Refusal not_built() {
    return cuda_refusal({}, "this build has no CUDA parts",
                        "a build with nvcc; ./megabed setup --cuda brings one");
}

}  // namespace

Loaded<std::uint32_t> JitKernel::resident_blocks(std::uint32_t /*lanes*/,
                                                 std::uint32_t /*shared_bytes*/) const {
    return not_built();
}
Loaded<void> JitKernel::launch(const JitLaunch& /*launch*/, std::span<void* const> /*arguments*/) const {
    return not_built();
}
Loaded<void> finish_stream(void* /*stream*/) { return not_built(); }

Loaded<JitKernels> JitKernels::on_this_device(KernelCompilerSettings /*settings*/) { return not_built(); }
JitKernels::JitKernels(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
JitKernels::JitKernels(JitKernels&&) noexcept = default;
JitKernels& JitKernels::operator=(JitKernels&&) noexcept = default;
JitKernels::~JitKernels() = default;
Loaded<JitKernel> JitKernels::kernel(const JitRequest& /*request*/) { return not_built(); }
JitArchitecture JitKernels::architecture() const { return {}; }
KernelCompiler& JitKernels::compiler() { return parts_->compiler; }

}  // namespace megabed
