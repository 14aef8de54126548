"""Opens a store in xarray, with both engines, and checks dimensions and coordinate labels.

usage: store_xarray.py STORE SCENES; exit code 77: xarray or an engine is not installed."""
import sys

try:
    import h5netcdf  # noqa: F401
    import netCDF4  # noqa: F401
    import numpy as np
    import xarray as xr
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

store, scenes = sys.argv[1:]


def check(dataset, variable, dims):
    found = dataset[variable].dims
    assert found == dims, f"{variable}: {found}, expected {dims}"


for engine in "netcdf4", "h5netcdf":
    with xr.open_dataset(store, engine=engine) as root:
        assert root.attrs["format"] == "ommatid store", root.attrs["format"]
        assert root.attrs["spec"] == "name: fixture # \u00e9\nmodels: 3\n", repr(root.attrs["spec"])
        assert int(root.attrs["seed"]) == 2024
    with xr.open_dataset(store, group="history", engine=engine) as history:
        check(history, "loss", ("model", "record"))
        check(history, "epe", ("model", "record"))
        assert list(history.indexes["model"]) == [0, 1, 2]
        assert list(history.indexes["record"])[:2] == [100000, 200000]
        assert np.isnan(history.loss.sel(model=0, record=1000000))
        assert np.isfinite(history.loss.sel(model=0, record=100000))
    with xr.open_dataset(store, group="params", engine=engine) as params:
        check(params, "resting_potential", ("model", "type"))
        check(params, "time_constant", ("model", "type"))
        check(params, "strength", ("model", "pair"))
        check(params, "decoder", ("model", "parameter"))
        check(params, "running_mean", ("model", "channel"))
        check(params, "running_var", ("model", "channel"))
        assert "T4a" in params.indexes["type"], params.indexes["type"]
        assert np.isfinite(params.resting_potential.sel(model=0, type="T4a"))
        assert np.isnan(params.resting_potential.sel(model=2, type="T4a"))
        strength = params.strength
        assert strength.coords["source"].dims == ("pair",), strength.coords
        onto = strength.where(strength.target == "T4a", drop=True)
        assert 0 < onto.sizes["pair"] < strength.sizes["pair"]
        assert set(onto.target.values) == {"T4a"}
    with xr.open_dataset(store, group="model", engine=engine) as model:
        for name in "seed", "status", "iteration", "worker", "seconds", "attempts", "message":
            check(model, name, ("model",))
        assert str(model.message.values[1]) == "caf\u00e9", repr(model.message.values[1])
        assert int(model.worker[0]) == -1 and model.seconds.dtype == np.float64
    with xr.open_dataset(store, group="validation", engine=engine) as validation:
        check(validation, "l2norm", ("model", "check"))
        check(validation, "epe", ("model", "check"))
        check(validation, "scene_epe", ("model", "scene"))
        assert list(validation.indexes["check"])[:2] == [0, 250000]
        assert list(validation.indexes["scene"]) == ["noise-004", "noise-005"]
        assert validation.attrs["selection"] == "epe"
        assert float(validation.attrs["zero_epe"]) == 1.5
    for group in "run", "ranking", "circuit", "options", "checkpoint":
        with xr.open_dataset(store, group=group, engine=engine) as other:
            other.load()
    with xr.open_dataset(scenes, engine=engine) as films:
        check(films, "luminance", ("frame", "column"))
        check(films, "flow", ("frame", "component", "column"))
        assert list(films.indexes["component"]) == ["x", "y"]
        assert "u" in films.luminance.coords and "v" in films.flow.coords
        assert films.indexes["sequence"][0] == "noise-000"
print("ok")
