"""One file a job: it gathers what a plan needs, plans, and proves that the change works.

A new job, such as the one of sshd, needs:

- A pure function in `fixes/` that makes a `Plan`. Its `job` is the job's name. `forth` and `back`
  say for each direction what checks the files, what is staged only for checks and rehearsals
  (`candidates`), what makes programs read them, and the words `rehearsal` and `proof`, which are
  the job's own. `within` is the timer of this plan.
- A function `work(machine, plan)` that gives a `flow.Work`: `rehearse(entry)` runs when everything
  is staged and nothing is changed (`entry.candidate(NAME)` and `entry.new(PATH)` are paths on the
  host); `prove(entry)` runs when the programs have taken the change, before it is confirmed. Both
  raise HullwardError for what must not go on, and all is put back. They go by `plan.forth`, so
  that an undo rehearses and proves as well; `changes --finish` proves.
- A line in `jobs/catalogue.py`, by which undo and finish find it.

`flow.change` does the rest. `machine.journal.hands.run(SCRIPT, SECONDS)` runs a script as root,
over a new ssh connection each time; `machine.journal.look(PATHS)` reads files for a plan.
"""
