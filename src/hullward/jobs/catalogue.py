"""The jobs by the name that their plans carry, so that a later hullward proves or undoes them."""

from hullward import flow
from hullward.jobs import firewall, isolation, ssh, userns, walls
from hullward.jobs.machine import Machine
from hullward.model.errors import HullwardError
from hullward.model.plan import Plan


def work(machine: Machine, plan: Plan) -> flow.Work:
    """Say how the job that made a plan proves it; raises HullwardError for a job of the future."""
    match plan.job:
        case userns.JOB:
            return userns.work(machine, plan)
        case ssh.JOB:
            return ssh.work(machine, plan)
        case isolation.JOB:
            return walls.work(isolation.KIND, machine, plan)
        case firewall.JOB:
            return walls.work(firewall.KIND, machine, plan)
        case _:
            raise HullwardError(
                f"This hullward cannot prove a change of the kind {plan.job!r}.",
                "Use the hullward that made it, or a newer one.",
            )
