"""The pages: their routers for the application, and what they need besides (assets, error pages)."""

from fastapi import FastAPI, Response
from starlette.staticfiles import StaticFiles

from dashboards import design, live, places, problem_types, refused
from dashboards.app import install as app
from dashboards.audit import trail
from dashboards.bank import files as bank_files
from dashboards.bank import receipts
from dashboards.closing import approving, lots, steps, what_if
from dashboards.closing import page as closing
from dashboards.entry import by_provider, inviting, links, security, signing_in
from dashboards.find import page as find
from dashboards.machine import at_machine, qr, thresholds
from dashboards.machine import page as machine
from dashboards.mine import (
    answers,
    calendars,
    changing,
    me,
    member,
    messages,
    month,
    reservation,
    reservations,
    reserving,
)
from dashboards.money import account, disputes, documents, issuer, statements
from dashboards.office import costs, entries, machines, members, pasting, people, registers, tariffs, telephone
from dashboards.reports import inspection, subsidy
from dashboards.reports import page as reports
from dashboards.shell import ASSETS, DIST
from dashboards.timeline import page as timeline
from dashboards.today import page as today
from dashboards.today import taking
from dashboards.watch import devices, problems

A_YEAR = "public, max-age=31536000, immutable"


class Assets(StaticFiles):
    """Bundled files: their names contain a hash of what is in them, so a browser keeps them."""

    def file_response(self, *args: object, **options: object) -> Response:
        """The file, to be kept for a year."""
        response: Response = super().file_response(*args, **options)  # type: ignore[arg-type]  # handed on as given
        response.headers["Cache-Control"] = A_YEAR
        return response


def install(app: FastAPI) -> None:
    """Add to `app` what the pages in `ROUTERS` need: their assets and error pages. After `problems.install(app)`."""
    app.mount(ASSETS, Assets(directory=DIST, check_dir=False), name="assets")
    refused.install(app)


ROUTERS = (
    today.router,
    taking.router,
    app.router,
    timeline.router,
    find.router,
    design.router,
    places.router,
    problem_types.router,
    signing_in.router,
    by_provider.router,
    inviting.router,
    links.router,
    security.router,
    me.router,
    answers.router,
    month.router,
    calendars.router,
    messages.router,
    member.router,
    reserving.router,
    reservations.router,
    reservation.router,
    changing.router,
    thresholds.router,
    machine.router,
    qr.router,
    at_machine.router,
    problems.router,
    reports.router,
    subsidy.router,
    inspection.router,
    statements.router,
    account.router,
    closing.router,
    steps.router,
    approving.router,
    lots.router,
    what_if.router,
    bank_files.router,
    receipts.router,
    issuer.router,  # before the documents, whose ids its address would be
    documents.router,
    disputes.router,
    trail.router,
    devices.router,
    costs.router,
    tariffs.router,
    registers.router,
    entries.router,
    members.router,
    people.router,
    machines.router,
    telephone.router,
    pasting.router,
    live.router,
)
"""Every page's routes, side by side: a router inside another would hide its routes from the table of rights."""
