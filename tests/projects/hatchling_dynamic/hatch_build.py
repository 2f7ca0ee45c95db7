from hatchling.metadata.plugin.interface import MetadataHookInterface


class NoDependencies(MetadataHookInterface):
    def update(self, metadata):
        metadata["dependencies"] = []
