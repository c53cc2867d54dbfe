#include "gpu/cuda_service_backend.h"

#include "gpu/memory/co_tenant_process.h"
#include "gpu/memory/device_pool.h"
#include "gpu/service/cuda_service.h"
#include "sim/telemetry.h"

#include <chrono>
#include <thread>
#include <utility>

namespace megabed {
namespace {

class CudaServiceBackend final : public CudaBackend {
public:
    CudaServiceBackend(const Scenario& scenario, std::unique_ptr<CudaService> service, DevicePool pool)
        : scenario_(scenario),
          pool_(std::move(pool)),
          service_(std::move(service)),
          co_tenants_(scenario.memory, scenario.seed, pool_,
                      [this](Bytes held) { service_->set_co_tenant_bytes(held); }) {}

    [[nodiscard]] bool done() const override { return service_->done(); }
    [[nodiscard]] SimTime now() const override { return service_->now(); }
    [[nodiscard]] std::uint64_t levels() const override { return service_->levels(); }
    [[nodiscard]] const ServiceTotals* service_totals() const override { return service_->service_totals(); }
    [[nodiscard]] std::optional<std::string> failure() const override { return service_->failure(); }
    [[nodiscard]] bool measures_time() const override { return true; }
    [[nodiscard]] std::optional<std::uint64_t> result_digest() const override { return std::nullopt; }
    [[nodiscard]] std::uint64_t digest() const override {
        Digest digest;
        service_->add_results(digest);
        return digest.value();
    }

    [[nodiscard]] Observation observe() override {
        co_tenants_.start();
        Observation observation;
        service_->observe(observation);
        fill_settings(scenario_, observation.request);
        fill_memory(scenario_, service_->resident(), observation.request);
        return observation;
    }

    [[nodiscard]] LaunchOutcome launch(const LaunchRecommendation& recommendation) override {
        return service_->launch(recommendation);
    }

    void pause(SimTime time) override { std::this_thread::sleep_for(std::chrono::nanoseconds(time.value())); }

private:
    const Scenario& scenario_;
    DevicePool pool_;
    std::unique_ptr<CudaService> service_;
    CoTenantProcess co_tenants_;
};

}  // namespace

Loaded<std::unique_ptr<CudaBackend>> make_cuda_service_backend(const Scenario& scenario) {
    auto pool = DevicePool::on_device(scenario.memory.budget);
    if (!pool) {
        return Refusal(pool.error());
    }
    CudaServiceOptions options;
    options.decide = cuda_decision_place(scenario);
    auto service = make_cuda_service(scenario, *pool, options);
    if (!service) {
        return Refusal(service.error());
    }
    return std::make_unique<CudaServiceBackend>(scenario, *std::move(service), *std::move(pool));
}

}  // namespace megabed
