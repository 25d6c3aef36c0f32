"""A volume driver without volumes. The tree's own fakes start, but the scheduler never chooses them: one reports no
capacity, the other reports it as a string."""

from cinder.tests.fake_driver import LoggingVolumeDriver


class LabDriver(LoggingVolumeDriver):
    """Answers every call at once and reports room."""

    def get_volume_stats(self, refresh=False):
        return {
            'volume_backend_name': 'lab',
            'vendor_name': 'lab',
            'driver_version': '1',
            'storage_protocol': 'fake',
            'total_capacity_gb': 1000,
            'free_capacity_gb': 900,
            'reserved_percentage': 0,
            'QoS_support': False,
        }

    def initialize_connection(self, volume, connector):
        return {'driver_volume_type': 'fake', 'data': {}}

    def terminate_connection(self, volume, connector, **kwargs):
        pass

    def create_snapshot(self, snapshot):
        pass

    def delete_snapshot(self, snapshot):
        pass
