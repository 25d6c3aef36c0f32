"""Where the observer takes hold of the libraries that do migrations. Part of osupgrade_observer.py."""

import functools
import os
import sys


class Hooks(object):
    """What is done to each library when the tool has imported it; ``observer`` hears of all of it."""

    def __init__(self, observer):
        self.observer = observer
        self.by_module = {
            "sqlalchemy": self.sqlalchemy,
            "migrate.versioning.schema": self.migrate,
            "alembic.migration": self.alembic,
            "alembic.runtime.migration": self.alembic,
        }

    def install(self):
        """Be asked about every import from now on."""
        sys.meta_path.insert(0, Finder(self.by_module, self.observer.guard))

    def sqlalchemy(self, module):
        from sqlalchemy import event
        from sqlalchemy.engine import Engine
        from sqlalchemy.pool import Pool

        event.listen(Engine, "before_cursor_execute", self.observer.before)
        event.listen(Engine, "after_cursor_execute", self.observer.after)
        event.listen(Engine, "commit", self.observer.commit)
        event.listen(Engine, "rollback", self.observer.rollback)
        event.listen(Pool, "checkin", self.observer.checkin)
        try:
            event.listen(Engine, "handle_error", self.observer.handle_error)
        except Exception:  # before SQLAlchemy 0.9.7
            event.listen(Engine, "dbapi_error", self.observer.dbapi_error)

    def migrate(self, module):
        original = module.ControlledSchema.runchange

        @functools.wraps(original)
        def runchange(schema, ver, change, step):
            span = None
            with self.observer.guard:
                path = getattr(change, "path", None) or ""
                label = os.path.splitext(os.path.basename(path))[0]
                span = self.observer.begin("migrate", schema.engine, max(int(ver), int(ver) + int(step)), label)
            ok = False
            try:
                result = original(schema, ver, change, step)
                ok = True
                return result
            finally:
                if span is not None:
                    self.observer.end(span, ok)

        module.ControlledSchema.runchange = runchange

    def alembic(self, module):
        original = module.MigrationContext.run_migrations
        if getattr(original, "observed", False):
            return

        @functools.wraps(original)
        def run_migrations(context, *args, **kwargs):
            with self.observer.guard:
                if context.connection is not None and context._migrations_fn is not None:
                    context._migrations_fn = self.steps(context.connection.engine, context._migrations_fn)
            return original(context, *args, **kwargs)

        run_migrations.observed = True
        module.MigrationContext.run_migrations = run_migrations

    def steps(self, engine, function):
        """alembic asks for the next step when it is done with one, its version noted; so a step ends there."""

        def observed(*args, **kwargs):
            for step in function(*args, **kwargs):
                span = None
                with self.observer.guard:
                    span = self.observer.begin("alembic", engine, *named(step))
                ok = False
                try:
                    yield step
                    ok = True
                finally:
                    if span is not None:
                        self.observer.end(span, ok)

        return observed


def named(step):
    """The revision and the label of one of alembic's steps: a tuple until 0.6, an object later."""
    if isinstance(step, tuple):
        function, _, revision, doc = (step + (None,))[:4]
    else:
        function = step.migration_fn
        script = getattr(step, "revision", None)
        revision = getattr(script, "revision", None) or "+".join(step.to_revisions)
        doc = getattr(step, "doc", None)
    code = getattr(function, "__code__", None)
    path = os.path.splitext(os.path.basename(code.co_filename))[0] if code is not None else ""
    return revision, doc if path in ("", "__init__") and doc else path


class Finder(object):
    """Hooks a module when it has been imported."""

    def __init__(self, hooks, guard):
        self.hooks = hooks
        self.guard = guard
        self.busy = set()

    def find_module(self, name, path=None):  # Python 2
        if name in self.hooks and name not in self.busy:
            return self
        return None

    def load_module(self, name):
        self.busy.add(name)
        __import__(name)
        module = sys.modules[name]
        self.hooked(name, module)
        return module

    def find_spec(self, name, path=None, target=None):  # Python 3
        if name not in self.hooks or name in self.busy:
            return None
        self.busy.add(name)
        import importlib.util

        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = Loader(self, name, spec.loader)
        return spec

    def hooked(self, name, module):
        hook = self.hooks.pop(name)
        with self.guard:
            hook(module)


class Loader(object):
    """Another loader, and the hook after it."""

    def __init__(self, finder, name, loader):
        self.finder = finder
        self.name = name
        self.loader = loader

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        self.finder.hooked(self.name, module)
