#include "gpu/device_policy.h"
#include "gpu/memory/cuda_check.h"
#include "gpu/memory/device_pool.h"

#include <cuda_runtime.h>
#include <type_traits>

namespace megabed {
namespace {

using Answer = Result<reference::Answer>;
static_assert(std::is_trivially_copyable_v<PolicyCase>);
static_assert(std::is_trivially_copyable_v<reference::Answer> && std::is_trivially_copyable_v<Error>);

/// What a thread writes: tl::expected in a form that both sides lay out alike.
struct DeviceAnswer {
    reference::Answer answer{};
    Error error{};
    bool ok = false;
};

__global__ void recommend_all(const PolicyCase* cases, DeviceAnswer* answers, std::size_t count) {
    const std::size_t index = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (index >= count) {
        return;
    }
    const PolicyCase& question = cases[index];
    const Answer answer = reference::recommend(question.parameters, question.request, question.previous);
    if (answer) {
        answers[index].answer = *answer;
    } else {
        answers[index].error = answer.error();
    }
    answers[index].ok = answer.has_value();
}

}  // namespace

Loaded<std::string> cuda_device_name() {
    if (const auto usable = cuda_usable(); !usable) {
        return Refusal(usable.error());
    }
    int devices = 0;
    const cudaError_t code = cudaGetDeviceCount(&devices);
    if (code != cudaSuccess || devices == 0) {
        return cuda_refusal({},
                            std::string("no CUDA device: ") +
                                (code == cudaSuccess ? "none is present" : cudaGetErrorString(code)),
                            "a machine with an NVIDIA GPU and its driver");
    }
    cudaDeviceProp properties{};
    if (const auto asked = cuda_check(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
        !asked) {
        return Refusal(asked.error());
    }
    return std::string(properties.name);
}

Loaded<std::vector<Result<reference::Answer>>> recommend_on_device(std::span<const PolicyCase> cases) {
    if (const auto device = cuda_device_name(); !device) {
        return Refusal(device.error());
    }
    std::vector<Answer> result;
    if (cases.empty()) {
        return result;
    }
    auto pool = DevicePool::on_device(std::nullopt);
    if (!pool) {
        return Refusal(pool.error());
    }
    auto questions = pool->buffer<PolicyCase>(cases.size(), "questions to the policy");
    if (!questions) {
        return Refusal(questions.error());
    }
    auto answers = pool->buffer<DeviceAnswer>(cases.size(), "answers of the policy");
    if (!answers) {
        return Refusal(answers.error());
    }
    if (const auto asked = questions->upload(cases); !asked) {
        return Refusal(asked.error());
    }
    // Padding bytes are copied back, too.
    if (const auto cleared = answers->fill_bytes(std::byte{0}); !cleared) {
        return Refusal(cleared.error());
    }
    constexpr unsigned kThreads = 128;
    const auto blocks = static_cast<unsigned>((cases.size() + kThreads - 1) / kThreads);
    recommend_all<<<blocks, kThreads>>>(questions->data(), answers->data(), cases.size());
    for (const cudaError_t status : {cudaGetLastError(), cudaStreamSynchronize(nullptr)}) {
        if (const auto ran = cuda_check(status, "asking the policy on the device"); !ran) {
            return Refusal(ran.error());
        }
    }
    std::vector<DeviceAnswer> copied(cases.size());
    if (const auto fetched = answers->download(copied); !fetched) {
        return Refusal(fetched.error());
    }
    result.reserve(copied.size());
    for (const DeviceAnswer& answer : copied) {
        result.push_back(answer.ok ? Answer(answer.answer) : Answer(Failure(answer.error)));
    }
    return result;
}

}  // namespace megabed
