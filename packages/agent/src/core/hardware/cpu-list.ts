/** How many processors the kernel's list names: `0-3,8,10-11` names seven. */
export function countOfCpuList(list: string): number {
  let count = 0;
  for (const [, from, to] of list.matchAll(/(\d+)(?:-(\d+))?/g)) {
    count += Number(to ?? from) - Number(from) + 1;
  }
  return count;
}
