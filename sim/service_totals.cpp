#include "sim/service_totals.h"

namespace megabed {

TenantTotals ServiceTotals::sum() const {
    TenantTotals sum;
    for (const TenantTotals& tenant : tenants) {
        sum.published += tenant.published;
        sum.done += tenant.done;
        sum.rejected += tenant.rejected;
        sum.requeued += tenant.requeued;
        sum.starved += tenant.starved;
        sum.in_flight += tenant.in_flight;
        sum.latency_ns.merge(tenant.latency_ns);
    }
    return sum;
}

}  // namespace megabed
