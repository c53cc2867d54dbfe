#include "gpu/jit/nvrtc.h"

#include "gpu/memory/cuda_check.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

namespace megabed {
namespace {

namespace fs = std::filesystem;

/// The functions of NVRTC that are used, as nvrtc.h declares them since CUDA 11.1; the header is not needed.
struct NvrtcFunctions {
    using Result = int;  ///< 0: success
    using Program = struct ProgramTag*;

    Result (*version)(int* major, int* minor) = nullptr;
    const char* (*error_text)(Result) = nullptr;
    Result (*create)(Program*, const char* source, const char* name, int headers, const char* const* contents,
                     const char* const* names) = nullptr;
    Result (*destroy)(Program*) = nullptr;
    Result (*compile)(Program, int options, const char* const* texts) = nullptr;
    Result (*name_expression)(Program, const char* expression) = nullptr;
    Result (*lowered_name)(Program, const char* expression, const char** symbol) = nullptr;
    Result (*supported_count)(int*) = nullptr;
    Result (*supported)(int* capabilities) = nullptr;
    Result (*log_size)(Program, std::size_t*) = nullptr;
    Result (*log)(Program, char*) = nullptr;
    Result (*cubin_size)(Program, std::size_t*) = nullptr;
    Result (*cubin)(Program, char*) = nullptr;
    Result (*ptx_size)(Program, std::size_t*) = nullptr;
    Result (*ptx)(Program, char*) = nullptr;
};

template <class Function>
bool find(void* library, const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(::dlsym(library, name));
    return function != nullptr;
}

/// The first function that is missing, or null.
const char* find_all(void* library, NvrtcFunctions& functions) {
    const char* missing = nullptr;
    const auto need = [&](const char* name, auto*& function) {
        if (!find(library, name, function) && missing == nullptr) {
            missing = name;
        }
    };
    need("nvrtcVersion", functions.version);
    need("nvrtcGetErrorString", functions.error_text);
    need("nvrtcCreateProgram", functions.create);
    need("nvrtcDestroyProgram", functions.destroy);
    need("nvrtcCompileProgram", functions.compile);
    need("nvrtcAddNameExpression", functions.name_expression);
    need("nvrtcGetLoweredName", functions.lowered_name);
    need("nvrtcGetNumSupportedArchs", functions.supported_count);
    need("nvrtcGetSupportedArchs", functions.supported);
    need("nvrtcGetProgramLogSize", functions.log_size);
    need("nvrtcGetProgramLog", functions.log);
    need("nvrtcGetCUBINSize", functions.cubin_size);
    need("nvrtcGetCUBIN", functions.cubin);
    need("nvrtcGetPTXSize", functions.ptx_size);
    need("nvrtcGetPTX", functions.ptx);
    return missing;
}

/// Where libnvrtc may be, in the order of trying. A bare name is looked for where the system keeps libraries.
std::vector<std::string> candidates() {
    constexpr std::array kNames{"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"};
    std::vector<std::string> files(kNames.begin(), kNames.end());
    std::vector<fs::path> folders;
    if constexpr (std::string_view(MEGABED_CUDA_LIBRARIES) != "") {
        folders.emplace_back(MEGABED_CUDA_LIBRARIES);
    }
    for (const char* const variable : {"CUDA_HOME", "CUDA_PATH"}) {
        if (const char* const root = std::getenv(variable); root != nullptr && *root != '\0') {
            folders.push_back(fs::path(root) / "lib64");
            folders.push_back(fs::path(root) / "lib");
        }
    }
    folders.emplace_back("/usr/local/cuda/lib64");
    folders.emplace_back("/opt/cuda/lib64");
    for (const fs::path& folder : folders) {
        for (const char* const name : kNames) {
            files.push_back((folder / name).string());
        }
    }
    return files;
}

/// Where the first error of a log is: `program(12): error: ...`, or a header in the program's place.
struct ErrorPlace {
    std::string file;
    std::optional<std::uint64_t> line{};
};

ErrorPlace first_error_of(std::string_view log, const std::string& program) {
    const std::size_t error = log.find("error:");
    if (error == std::string_view::npos) {
        return {program};
    }
    const std::size_t before = log.rfind('\n', error);
    const std::string_view text = log.substr(before == std::string_view::npos ? 0 : before + 1);
    const std::size_t open = text.find('(');
    std::uint64_t number = 0;
    if (open == std::string_view::npos ||
        std::from_chars(text.data() + open + 1, text.data() + text.size(), number).ec != std::errc()) {
        return {program};
    }
    return {std::string(text.substr(0, open)), number};
}

/// A refusal is one line: the log's lines, without the blank ones and those that only point at a column.
std::string on_one_line(std::string_view log) {
    constexpr std::size_t kShown = 4000;
    std::string joined;
    while (!log.empty() && joined.size() < kShown) {
        const std::size_t end = std::min(log.find('\n'), log.size());
        std::string_view line = log.substr(0, end);
        log.remove_prefix(std::min(end + 1, log.size()));
        const std::size_t start = line.find_first_not_of(" \t\r^");
        if (start != std::string_view::npos) {
            joined += joined.empty() ? "" : " | ";
            joined += line.substr(start, line.find_last_not_of(" \t\r") + 1 - start);
        }
    }
    return joined;
}

class Nvrtc final : public JitCompiler {
public:
    /// The library stays loaded as long as the process lives, as it would if it had been linked.
    explicit Nvrtc(const NvrtcFunctions& functions) : functions_(functions) {
        functions_.version(&major_, &minor_);
        // Updates of one version keep its number; their libraries differ in size.
        Dl_info place{};
        std::error_code code;
        if (::dladdr(reinterpret_cast<void*>(functions_.version), &place) != 0 && place.dli_fname != nullptr) {
            size_ = fs::file_size(place.dli_fname, code);
            size_ = code ? 0 : size_;
        }
    }
    [[nodiscard]] std::string version() const override {
        return fmt::format("NVRTC {}.{} ({} bytes)", major_, minor_, size_);
    }

    /// As nvcc compiles the rest of the project, in particular without contraction to fused multiply-adds: both
    /// routes give the same answers. Its own cache, where it has one, would be a second one.
    [[nodiscard]] std::vector<std::string> options() const override {
        std::vector<std::string> options{"-std=c++20", "-default-device", "-device-int128", "-fmad=false",
                                         "-D__extension__="};  // a word of g++ that silences a warning
        if (major_ > 12 || (major_ == 12 && minor_ >= 9)) {
            options.emplace_back("-no-cache");
        }
        return options;
    }

    [[nodiscard]] Loaded<JitArchitecture> architecture_for(std::uint32_t capability) const override;

    [[nodiscard]] Loaded<JitImage> compile(const JitRequest& request, JitArchitecture architecture,
                                           std::span<const JitHeader> headers) const override;

private:
    [[nodiscard]] Refusal failed(const JitRequest& request, const char* step, int code) const {
        return cuda_refusal("NVRTC",
                            fmt::format("{}: {}: {}", request.program, step, functions_.error_text(code)), {});
    }
    [[nodiscard]] std::string log_of(NvrtcFunctions::Program program) const {
        return bytes_of(program, functions_.log_size, functions_.log).value_or("");
    }
    template <class Size, class Get>
    [[nodiscard]] std::optional<std::string> bytes_of(NvrtcFunctions::Program program, Size size_of,
                                                      Get get) const {
        std::size_t size = 0;
        if (size_of(program, &size) != 0) {
            return std::nullopt;
        }
        std::string bytes(size, '\0');
        return get(program, bytes.data()) == 0 ? std::optional(std::move(bytes)) : std::nullopt;
    }

    NvrtcFunctions functions_;
    int major_ = 0;
    int minor_ = 0;
    std::uintmax_t size_ = 0;
};

void drop_final_zeros(std::string& text) {
    while (!text.empty() && text.back() == '\0') {
        text.pop_back();
    }
}

Loaded<JitArchitecture> Nvrtc::architecture_for(std::uint32_t capability) const {
    int count = 0;
    functions_.supported_count(&count);
    std::vector<int> capabilities(static_cast<std::size_t>(std::max(count, 0)));
    functions_.supported(capabilities.data());
    std::uint32_t best = 0;
    for (const int supported : capabilities) {
        const auto value = static_cast<std::uint32_t>(supported);
        best = value <= capability ? std::max(best, value) : best;
    }
    if (best == 0) {
        return cuda_refusal("NVRTC",
                            fmt::format("{} compiles for no card of capability {}", version(), capability),
                            fmt::format("capabilities {}", fmt::join(capabilities, ", ")));
    }
    return JitArchitecture{best, best != capability};
}

Loaded<JitImage> Nvrtc::compile(const JitRequest& request, JitArchitecture architecture,
                                std::span<const JitHeader> headers) const {
    std::vector<std::string> owned;  // NVRTC wants final zeros
    std::vector<const char*> contents;
    std::vector<const char*> names;
    owned.reserve(2 * headers.size());
    for (const JitHeader& header : headers) {
        contents.push_back(owned.emplace_back(header.content).c_str());
        names.push_back(owned.emplace_back(header.name).c_str());
    }
    std::vector<std::string> options = this->options();
    options.push_back("-arch=" + architecture.name());
    options.insert(options.end(), request.options.begin(), request.options.end());
    for (const auto& [name, value] : request.defines) {
        options.push_back(fmt::format("-D{}={}", name, value));
    }
    std::vector<const char*> texts;
    for (const std::string& option : options) {
        texts.push_back(option.c_str());
    }

    NvrtcFunctions::Program program = nullptr;
    if (const int code = functions_.create(&program, request.source.c_str(), request.program.c_str(),
                                           static_cast<int>(names.size()), contents.data(), names.data());
        code != 0) {
        return failed(request, "creating the program", code);
    }
    struct Destroy {
        const NvrtcFunctions& functions;
        void operator()(NvrtcFunctions::Program owned_program) const { functions.destroy(&owned_program); }
    };
    const std::unique_ptr<std::remove_pointer_t<NvrtcFunctions::Program>, Destroy> owner(program,
                                                                                         Destroy{functions_});
    if (const int code = functions_.name_expression(program, request.entry.c_str()); code != 0) {
        return failed(request, "naming the entry", code);
    }
    const int compiled = functions_.compile(program, static_cast<int>(texts.size()), texts.data());
    JitImage image;
    image.log = log_of(program);
    drop_final_zeros(image.log);
    if (compiled != 0) {
        ErrorPlace place = first_error_of(image.log, request.program);
        return Refusal(InputError{
            .kind = InputErrorKind::Invalid,
            .where = std::move(place.file),
            .line = place.line,
            .key = "NVRTC",
            .problem = fmt::format("{}: {}", functions_.error_text(compiled), on_one_line(image.log)),
            .allowed = {}});
    }
    const char* symbol = nullptr;
    if (const int code = functions_.lowered_name(program, request.entry.c_str(), &symbol); code != 0) {
        return failed(request, "finding the entry", code);
    }
    image.symbol = symbol;
    auto code = architecture.ptx ? bytes_of(program, functions_.ptx_size, functions_.ptx)
                                 : bytes_of(program, functions_.cubin_size, functions_.cubin);
    if (!code || code->empty()) {
        return cuda_refusal("NVRTC",
                            fmt::format("{}: gave no code for {}", request.program, architecture.name()), {});
    }
    image.code = std::move(*code);
    if (architecture.ptx) {
        drop_final_zeros(image.code);
    }
    return image;
}

}  // namespace

std::string JitArchitecture::name() const { return fmt::format("{}_{}", ptx ? "compute" : "sm", capability); }

Loaded<std::shared_ptr<const JitCompiler>> load_nvrtc(const std::string& library) {
    const char* const variable = std::getenv("MEGABED_NVRTC");
    std::vector<std::string> files;
    if (!library.empty()) {
        files = {library};
    } else if (variable != nullptr && *variable != '\0') {
        files = {variable};
    } else {
        files = candidates();
    }
    std::string unusable;
    for (const std::string& file : files) {
        void* const opened = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (opened == nullptr) {
            if (fs::path(file).has_parent_path() && fs::exists(file)) {
                unusable += fmt::format("; {}", ::dlerror());
            }
            continue;
        }
        NvrtcFunctions functions;
        if (const char* const missing = find_all(opened, functions)) {
            unusable += fmt::format("; {} has no {}", file, missing);
            ::dlclose(opened);
            continue;
        }
        return std::make_shared<Nvrtc>(functions);
    }
    return cuda_refusal(
        "NVRTC",
        fmt::format("libnvrtc, which compiles fused kernels, was not found: looked for {}{}",
                    fmt::join(files, ", "), unusable),
        "the library of a CUDA toolkit of version 12 or 13 (./megabed setup --cuda, or a package such "
        "as cuda-nvrtc-13-0), or MEGABED_NVRTC=FILE");
}

}  // namespace megabed
