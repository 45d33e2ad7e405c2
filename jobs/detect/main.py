"""The detection job for `spark-submit`; the arguments are those of `gridwatch detect`.

spark-submit --master spark://host:7077 --properties-file FILE --py-files gridwatch-VERSION-py3-none-any.whl main.py
"""

import sys

from jobs.command.root import main

if __name__ == "__main__":
    main(["detect", *sys.argv[1:]])
