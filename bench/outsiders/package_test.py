#!/usr/bin/env python3
"""Installs a build tree, moves the installation elsewhere, and uses it as somebody would who has nothing else.

Usage: package_test.py BUILD_DIR SOURCE_DIR [TEST ...]
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE = sys.argv[1], sys.argv[2]

# Headers of others that public headers include; megabed-config.cmake finds what brings each.
FOREIGN = ("boost/", "fmt/", "tl/", "toml++/", "rapidcheck.h")


def run(*command, cwd="/", **environment):
    """The command with nothing of this checkout in its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MEGABED_")}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300, check=False,
                          env={**clean, **environment})


def cache_of_build():
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as file:
        return dict(re.findall(r"(?m)^(\w+):\w+=(.*)$", file.read()))


class FindPackage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="megabed-package-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        first, cls.prefix = os.path.join(cls.folder, "first"), os.path.join(cls.folder, "moved", "further")
        done = run("cmake", "--install", BUILD, "--prefix", first)
        assert done.returncode == 0, done.stderr
        os.makedirs(os.path.dirname(cls.prefix))
        os.rename(first, cls.prefix)
        cls.cache = cache_of_build()

    def path(self, *parts):
        return os.path.join(self.prefix, *parts)

    def content(self, *parts):
        with open(self.path(*parts), encoding="utf-8") as file:
            return file.read()

    def build(self, project, name):
        """Configures and builds a project against the moved installation, with the compiler and flags of the build."""
        folder = os.path.join(self.folder, name)
        flags = [f"-D{key}={self.cache[key]}" for key in (
            "CMAKE_BUILD_TYPE", "CMAKE_CXX_COMPILER", "CMAKE_CXX_COMPILER_LAUNCHER", "CMAKE_CXX_FLAGS", "CUDAToolkit_ROOT")
            if self.cache.get(key)]
        if self.cache.get("CMAKE_CUDA_COMPILER"):
            flags.append("-DCUDAToolkit_ROOT=" + os.path.dirname(os.path.dirname(self.cache["CMAKE_CUDA_COMPILER"])))
        for command in (["cmake", "-S", project, "-B", folder, "-G", self.cache["CMAKE_GENERATOR"],
                         f"-DCMAKE_PREFIX_PATH={self.prefix}", *flags], ["cmake", "--build", folder]):
            done = run(*command)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertNotIn("warning", (done.stdout + done.stderr).lower())
        return folder

    def test_the_program_finds_its_data_where_it_was_moved_to(self):
        program = self.path("bin", "megabed")
        social = self.path("share", "megabed", "scenarios", "social.toml")
        shutil.copy(social, self.folder)
        self.addCleanup(shutil.copy, os.path.join(self.folder, "social.toml"), social)
        with open(os.path.join(self.folder, "social.toml"), encoding="utf-8") as file:
            text = file.read()
        with open(social, "w", encoding="utf-8") as file:
            file.write(re.sub(r'summary = ".*"', 'summary = "the moved one"', text))
        self.assertIn("the moved one", run(program, "list", "scenarios").stdout)
        for name in ("social", "tenant-burst"):
            done = run(program, "run", name, "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            for one in json.loads(done.stdout)["runs"]:
                self.assertTrue(one["scenario"].startswith(self.prefix), one["scenario"])
        self.assertEqual(run(program, "list", "devices").stdout.split()[0], "h200")
        done = run(program, "verify", "--cases", "1000", "--law", "S4")
        self.assertRegex(done.stdout, r"S4 +pinned", done.stderr)  # by share/megabed/properties/expectations
        os.rename(self.path("share", "megabed", "properties", "expectations", "reference.toml"),
                  self.path("share", "megabed", "properties", "expectations", "nobody.toml"))
        self.addCleanup(os.rename, self.path("share", "megabed", "properties", "expectations", "nobody.toml"),
                        self.path("share", "megabed", "properties", "expectations", "reference.toml"))
        self.assertRegex(run(program, "verify", "--cases", "1000", "--law", "S4").stdout, r"S4 +breaks")

    def test_studies_find_their_scenarios_and_graphs(self):
        done = run(self.path("bin", "megabed"), "study", self.path("share", "megabed", "bench", "studies", "field-rules.toml"),
                   "--dry-run")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"\d+ runs\n")

    def test_nothing_names_the_checkout_or_the_folder_it_was_moved_from(self):
        files = glob.glob(self.path("lib*", "**", "*.cmake"), recursive=True)
        self.assertEqual(len(files), 4)
        for name in files + glob.glob(self.path("share", "**", "*megabed"), recursive=True):
            if os.path.isfile(name):
                with open(name, encoding="utf-8") as file:
                    text = file.read()
                for folder in (SOURCE, BUILD, os.path.join(self.folder, "first"), "/usr/lib"):
                    self.assertNotIn(folder + "/", text, name)

    def test_licence_documents_manual_and_examples_are_there(self):
        for name in ("LICENSE", "NOTICE", "README.md", "properties/LAWS.md", "sim/SIMULATOR.md", "policy/HARDENED.md",
                     "policy/example_plugin/example_policy.c", "bench/outsiders/package_user/two_kernels.cpp"):
            with open(os.path.join(SOURCE, name), encoding="utf-8") as file:
                self.assertEqual(self.content("share", "doc", "megabed", name), file.read(), name)
        self.assertTrue(os.path.isfile(self.path("share", "megabed", "scenarios", "KEYS.md")))
        self.assertIn("complete -o filenames", self.content("share", "bash-completion", "completions", "megabed"))
        self.assertIn(".SH EXIT STATUS\n", self.content("share", "man", "man1", "megabed-run.1"))
        self.assertTrue(self.content("share", "zsh", "site-functions", "_megabed").startswith("#compdef megabed\n"))

    def test_the_example_plugin_builds_from_its_installed_copy(self):
        folder = os.path.join(self.folder, "plugin")
        example = self.path("share", "doc", "megabed", "policy", "example_plugin")
        for command in (["cmake", "-S", example, "-B", folder], ["cmake", "--build", folder]):
            done = run(*command)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with open(os.path.join(folder, "CMakeCache.txt"), encoding="utf-8") as file:
            self.assertIn(f"MEGABED_INCLUDE_DIR:PATH={self.path('include', 'megabed')}\n", file.read())

    def test_headers_are_complete(self):
        """What a header includes is installed, or brought by a package that megabed-config.cmake finds; and they compile
        together. That each compiles alone is checked in the checkout (all_verify_interface_header_sets)."""
        root = self.path("include", "megabed")
        headers = [os.path.relpath(name, root) for name in glob.glob(os.path.join(root, "**", "*.h"), recursive=True)]
        self.assertGreater(len(headers), 150)
        for name in headers:
            for form, included in re.findall(r'(?m)^#include ([<"])([^>"]+)', self.content("include", "megabed", name)):
                if form == '"':
                    self.assertIn(included, headers, f"{name} includes it")
                elif "/" in included or included.endswith(".h"):
                    known = included.startswith(FOREIGN) or included in ("stdint.h", "unistd.h")
                    self.assertTrue(known, f"{name}: {included}")
        project = os.path.join(self.folder, "headers")
        os.makedirs(project)
        with open(os.path.join(project, "all.cpp"), "w", encoding="ascii") as file:
            file.writelines(f'#include "{name}"\n' for name in sorted(headers))
        with open(os.path.join(project, "CMakeLists.txt"), "w", encoding="ascii") as file:
            file.write("cmake_minimum_required(VERSION 3.23)\nproject(headers LANGUAGES CXX)\n"
                       "find_package(megabed REQUIRED)\nadd_library(headers OBJECT all.cpp)\n"
                       "target_link_libraries(headers PRIVATE megabed::properties)\n")
        self.build(project, "headers-build")

    def test_a_project_elsewhere_checks_and_simulates_a_policy_of_its_own(self):
        project = os.path.join(self.folder, "package_user")
        shutil.copytree(self.path("share", "doc", "megabed", "bench", "outsiders", "package_user"), project)
        done = run(os.path.join(self.build(project, "package_user-build"), "two_kernels"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("S1 holds", done.stdout)
        self.assertNotIn(" breaks", done.stdout)
        self.assertIn(f"slashdot of {self.prefix}/share/megabed/scenarios/social.toml\n", done.stdout)
        self.assertRegex(done.stdout, r"two-kernels +makespan \d+ ns, 9 launches, 0 of them hybrid")
        self.assertRegex(done.stdout, r"reference +makespan \d+ ns, 9 launches, 2 of them hybrid")
        same = run(self.path("bin", "megabed"), "run", "social", "--only", "slashdot", "--json")
        self.assertIn(f"reference    makespan {json.loads(same.stdout)['runs'][0]['makespan_ns']} ns", done.stdout)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
