from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class OneDependency(BuildHookInterface):
    def initialize(self, version, build_data):
        build_data["dependencies"] = ["six"]
