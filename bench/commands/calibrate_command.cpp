#include "bench/calibrate/calibrate.h"
#include "bench/commands/commands.h"
#include "bench/exit_code.h"

#include <fmt/format.h>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace megabed {
namespace {

struct CalibrateArguments {
    std::string out = "device.toml";
    std::string samples;
    std::optional<std::string> refit;
    std::vector<std::string> also;
    std::string records = "bench/results/h200/waves";
    bool quiet = false;
};

int run(const CalibrateArguments& arguments) {
    const CalibrateOptions options{arguments.out, arguments.samples, !arguments.quiet};
    const auto status = arguments.refit ? refit({*arguments.refit, arguments.also, arguments.records}, options)
                                        : calibrate(options);
    if (!status) {
        return refuse(status.error());
    }
    if (*status == kExitDone) {
        fmt::print(stderr, "megabed: wrote {}\n", arguments.out);
    }
    return *status;
}

}  // namespace

void add_calibrate_command(CLI::App& app, Action& action) {
    const auto arguments = std::make_shared<CalibrateArguments>();
    CLI::App* const command = app.add_subcommand("calibrate",
                                                 "Measure this machine's card and write a device profile: its "
                                                 "constants, and what waves of the megakernel cost.");
    command->add_option("--out", arguments->out, "profile to write; a scenario names it by `[device] profile`")
        ->capture_default_str();
    command->add_option("--samples", arguments->samples, "file for the samples that were fitted, as JSON");
    command->add_option("--refit", arguments->refit,
                        "fit again to samples that --samples kept, plain or gzip; no card is needed");
    command
        ->add_option("--also", arguments->also,
                     "with --refit: a run (FILE/RUN) of --records that the profile is fitted to as well")
        ->allow_extra_args(false);
    command->add_option("--records", arguments->records, "folder that `megabed compare --record` wrote")
        ->capture_default_str();
    command->add_flag("--quiet", arguments->quiet, "no progress line");
    command->footer("Example: megabed calibrate --out devices/my-card.toml");
    command->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace megabed
